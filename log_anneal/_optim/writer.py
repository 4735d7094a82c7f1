"""Lays a schedule out as words."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core import check
from log_anneal._core.steps import MAX_STEP
from log_anneal._curve.table import Row, Wrap
from log_anneal._curve.tracks import SHAPES, Curve, Frame, Mix, Track, Tracks
from log_anneal._optim.layout import (
    CURVE,
    FRAMES,
    HEADER,
    MAX_NODES,
    NODE,
    OPERATIONS,
    ROW,
    SIZES,
    VERSION,
    DoesNotFitError,
    NoPhasesError,
)


class Writer:
    """Lays the parts of a table out."""

    def __init__(self, tracks: Tracks) -> None:
        self.nodes: list[tuple[str, int, int, Track | None, tuple[Frame, ...]]] = []
        self.curves: list[Curve] = []
        self.rows: list[tuple[Row, int]] = []
        self.starts: list[int] = []
        """For each node, the number of its first row."""
        self._add(tracks)
        if len(self.nodes) > MAX_NODES:
            raise NoPhasesError(
                f"It has {len(self.nodes)} parts at once; a table holds {MAX_NODES}."
            )
        if any(len(frames) > len(FRAMES) for *_, frames in self.nodes):
            raise NoPhasesError(
                "It is shifted or repeated more than three times, one within the other."
            )

    def _add(self, tracks: Tracks) -> int:
        """Adds the nodes of a track or a mix, and returns the number of the last."""
        if isinstance(tracks, Mix):
            inputs = self._add(tracks.first), self._add(tracks.second)
            self.starts.append(0)
            self.nodes.append((tracks.operation, *inputs, None, tracks.frames))
            return len(self.nodes) - 1
        self.starts.append(len(self.rows))
        before: Curve | None = None
        for row, curve in zip(tracks.rows, tracks.curves, strict=True):
            if curve is not before:
                self.curves.append(curve)
            before = curve
            self.rows.append((row, len(self.curves) - 1))
        self.nodes.append(("track", 0, 0, tracks, tracks.frames))
        return len(self.nodes) - 1

    def table(self, texts: Sequence[bytes], size: int | None) -> Any:
        """Returns the words."""
        curves = HEADER + NODE * len(self.nodes)
        rows = curves + CURVE * len(self.curves)
        tables = rows + ROW * len(self.rows)
        text = tables + sum(len(curve.table) for curve in self.curves)
        whole, needed = (text + (len(each) + 3) // 4 for each in (texts[0], texts[-1]))
        size = size or next((each for each in SIZES if each >= whole), SIZES[-1])
        if needed > size:
            raise DoesNotFitError(f"It needs {needed:,} words, and the table has {size:,}.")
        chosen = next(each for each in texts if text + (len(each) + 3) // 4 <= size)
        words = Words(size)
        words.put(0, [VERSION, len(self.nodes), text, len(chosen)])
        self._put_nodes(words, rows)
        self._put_rows(words, rows, curves)
        self._put_curves(words, curves, rows, tables)
        padded = chosen + bytes(-len(chosen) % 4)
        words.put(text, np.frombuffer(padded, np.int32))
        return words.array()

    def _put_nodes(self, words: "Words", rows: int) -> None:
        for index, (operation, first, second, track, frames) in enumerate(self.nodes):
            place = rows + ROW * self.starts[index], len(track.rows) if track else 0
            wrap = (track and track.wrap) or _NO_WRAP
            code = OPERATIONS.index(operation) | int(wrap.cycles) << 8
            framing = (each for frame in _all_frames(operation, frames) for each in _written(frame))
            turn = int(wrap.first), int(wrap.steps)
            words.put(HEADER + NODE * index, [code, first, second, *place, *framing, *turn])

    def _put_rows(self, words: "Words", rows: int, curves: int) -> None:
        for index, (row, curve) in enumerate(self.rows):
            address = rows + ROW * index
            words.put(address, [row.start, row.period])
            words.put_reals(address + 2, [row.offset, row.tail])
            words.put(address + 4, [curves + CURVE * curve])

    def _put_curves(self, words: "Words", curves: int, rows: int, tables: int) -> None:
        first_rows: dict[int, int] = {}
        for index, (_, number) in enumerate(self.rows):
            first_rows.setdefault(number, rows + ROW * index)
        for index, curve in enumerate(self.curves):
            address, length = curves + CURVE * index, len(curve.table)
            shapes = SHAPES.index(curve.shape) | SHAPES.index(curve.rise_shape) << 8
            words.put(address, [shapes, curve.rise_steps, first_rows[index]])
            values = curve.start, curve.end, curve.parameter, curve.anchor, curve.log_cycle
            bounds = curve.log_step, curve.low, curve.high
            words.put_reals(address + 3, [*values, *bounds])
            words.put(address + 11, [tables, length])
            words.put_reals(address + 13, [curve.scale, _ADDED.get(curve.shape, 0.0)])
            words.put_reals(tables, curve.table)
            tables += length


_ADDED = {"log": 1.0, "exponential": 1.0, "equation_4": 0.5}
"""What the program of version 1 first added to the shape, times the scale. It now knows that by the
shape, and the word stays for programs that were exported before."""

_NO_WRAP = Wrap.of(MAX_STEP, 1, 0)
"""No step is taken back by it."""


def _all_frames(operation: str, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """Returns three frames; one that is not there changes nothing.

    Of "then", the framed step must be above 0 where the second input has begun.
    """
    if operation == "then":
        begin = frames[-1]
        frames = (*frames[:-1], Frame(begin.limit, begin.shift - 1))
    return (*[Frame()] * (len(FRAMES) - len(frames)), *frames)


def _written(frame: Frame) -> tuple[int, int, int]:
    return frame.limit, frame.shift, frame.loop


class Words:
    """Words that are being written. Real numbers may be traced."""

    def __init__(self, size: int) -> None:
        self._known = np.zeros(size, np.int32)
        self._traced: list[tuple[int, Any]] = []

    def put(self, address: int, words: Any) -> None:
        """Writes whole numbers from an address on."""
        self._known[address : address + len(words)] = words

    def put_reals(self, address: int, reals: Any) -> None:
        """Writes real numbers from an address on: several, or one traced array of them."""
        if check.is_traced(reals):
            self._traced.append((address, reals))
            return
        for index, real in enumerate(reals):
            if check.is_traced(real):
                self._traced.append((address + index, jnp.reshape(real, 1)))
            else:
                self._known[address + index] = np.float32(real).view(np.int32)

    def array(self) -> Any:
        """Returns all words."""
        words: Any = self._known
        for address, reals in self._traced:
            bits = jax.lax.bitcast_convert_type(jnp.asarray(reals, jnp.float32), jnp.int32)
            words = jnp.asarray(words).at[address : address + len(bits)].set(bits)
        return words

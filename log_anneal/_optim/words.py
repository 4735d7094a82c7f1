"""A schedule as words: one array of int32, which any tool can store and one program evaluates.

A real number is the word that has the bits of its float32. The words are, in this order:

    header    [8]       version, number of nodes, address of the text, its length in bytes
    nodes     [16 each] an operation, its two inputs, the rows of a track, three frames, and how
                        its last rows come again
    curves    [16 each] shape, rise, first row, values, parameters, table
    rows      [5 each]  start, period, offset, tail, curve
    tables              the values of tabulated schedules
    text                the schedule as JSON, deflated, four bytes a word

An address counts words from the first. The last node's value is the schedule's.
"""

import json
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from log_anneal._core import check
from log_anneal._core.record import is_registered
from log_anneal._core.schedule import Schedule
from log_anneal._core.steps import MAX_STEP
from log_anneal._core.to_json import from_dict, to_dict
from log_anneal._core.tree import stack_shape
from log_anneal._curve.table import Row, Wrap
from log_anneal._curve.tracks import SHAPES, Curve, Frame, Mix, Track, Tracks

VERSION = 1
HEADER, NODE, CURVE, ROW = 8, 16, 16, 5
FRAMES = (5, 8, 11)
"""Where the frames are in a node, the outermost first."""

MAX_NODES = 16
OPERATIONS = ("track", "sum", "difference", "product", "maximum", "minimum", "then")

SIZES = (512, 2048, 8192, 32_768, 131_072, 524_288)
"""The lengths that a table may have. Two tables of one length share a trace."""

_DICTIONARY = (
    b'"schedule":"version":1,"shift","loop","constant","value":"tabulated","values":[0.'
    b'"combined","first":{"second":{"operation":"sum""difference""product""maximum""minimum"'
    b'"chain","parts":[{"part_steps":["part":{"period_steps":"shift_steps":'
    b'"warmup_stable_decay","stable_steps":"cooldown":"one_cycle","final_steps":"shape":'
    b'"step_decay""multi_step","milestones":["exponential","polynomial","power":"rex"'
    b'"inverse_sqrt","timescale_steps":"clr","up_steps":"down_steps":"window":"decay_rate":'
    b'"cyclical_exponential""cyclical_polynomial""cyclical_linear""cyclical_cosine"'
    b'"cyclical_log","base":"form":"equation_4""author_release""linear""cosine""cycle_decay":'
    b'"restart_warmup_steps":"restart_decay":"warmup_shape":"final_value":"num_restarts":'
    b'"restart_value":"restart_multiplier":2.0,"init_value":0.0,"warmup_steps":'
    b'"restart_steps":"peak_value":0.1,"end_value":0.001,"decay_steps":'
)
"""Words that texts have in common, so that a text takes few bytes. It belongs to the version."""


class DoesNotFitError(ValueError):
    """A schedule needs more words than a table has."""


class NoPhasesError(TypeError):
    """A schedule cannot be written as phases."""


def pack(schedule: Schedule, size: int | None = None) -> Any:
    """Writes a schedule as words.

    Args:
      schedule: one, or a stack for `jax.vmap`. Its values may be traced. If its durations are, the
        words are written while the program runs.
      size: how many words the table has. None means the smallest size into which it fits.

    Returns:
      int32 [size], an array of NumPy if nothing is traced; with the dimensions of a stack in front.

    Raises:
      NoPhasesError: it holds a function, or is of a class that does not say how it is written.
      DoesNotFitError: it needs more words.
    """
    if stack_shape(schedule):
        return jax.vmap(lambda each: pack(each, size))(schedule)
    leaves, tree = jax.tree.flatten(schedule)
    whole = [leaf for leaf in leaves if jnp.issubdtype(jnp.result_type(leaf), jnp.integer)]
    if not any(map(check.is_traced, whole)):
        return _packed(schedule, size)
    length = size or _size_of_traced(whole)

    def write(*leaves: Any) -> Any:
        return np.asarray(_packed(jax.tree.unflatten(tree, map(np.asarray, leaves)), length))

    form = jax.ShapeDtypeStruct((length,), jnp.int32)
    return jax.pure_callback(write, form, *leaves, vmap_method="sequential")


def text_of(table: npt.NDArray[Any]) -> dict[str, Any]:
    """Returns the schedule that a table holds, as `to_dict` does, or its name alone."""
    if table[0] != VERSION:
        raise ValueError(
            f"The table of a live schedule must be of version {VERSION}, got {table[0]}. Restore "
            "it by the release of log_anneal that wrote it."
        )
    start, count = int(table[2]), int(table[3])
    data = np.ascontiguousarray(table[start:]).view(np.uint8)[:count].tobytes()
    record: dict[str, Any] = json.loads(zlib.decompressobj(-15, zdict=_DICTIONARY).decompress(data))
    return record


def schedule_of(table: npt.NDArray[Any]) -> Schedule | None:
    """Returns the schedule that a table holds; None if the table has its name alone."""
    record = text_of(table)
    return from_dict(record) if "version" in record else None


def _packed(schedule: Schedule, size: int | None) -> Any:
    tracks = schedule._on_host._tracks()
    if tracks is None:
        raise NoPhasesError(f"{type(schedule).__name__} is not made of phases.")
    writer = _Writer(tracks)
    return writer.table(_texts(schedule), size)


def _texts(schedule: Schedule) -> list[bytes]:
    """Returns the text, and the shorter one to take if there is no room for it."""
    name = schedule.name if is_registered(type(schedule)) else type(schedule).__name__
    records: list[dict[str, Any]] = [{"schedule": name}]
    if not any(map(check.is_traced, jax.tree.leaves(schedule))):
        with suppress(TypeError):  # of a class that has no name in JSON
            records.insert(0, to_dict(schedule))
    return [_deflated(json.dumps(record, separators=(",", ":")).encode()) for record in records]


def _deflated(text: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zdict=_DICTIONARY)
    return deflate.compress(text) + deflate.flush()


def _size_of_traced(whole: Sequence[Any]) -> int:
    """Returns a size for a schedule whose rows are not known yet, by the sizes of its leaves."""
    # A row of a table has some integers, and takes five words; a cycle of up to 512 rows takes
    # most of the second size.
    words = sum(2 * np.size(leaf) for leaf in whole)
    return next((size for size in SIZES if size >= words), SIZES[-1])


class _Writer:
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
        needed = text + (len(texts[-1]) + 3) // 4
        size = size or next((each for each in SIZES if each >= needed), needed)
        if not needed <= size <= SIZES[-1]:
            raise DoesNotFitError(f"It needs {needed:,} words, and the table has {size:,}.")
        chosen = next(each for each in texts if text + (len(each) + 3) // 4 <= size)
        words = _Words(size)
        words.put(0, [VERSION, len(self.nodes), text, len(chosen)])
        self._put_nodes(words, rows)
        self._put_rows(words, rows, curves)
        self._put_curves(words, curves, rows, tables)
        padded = chosen + bytes(-len(chosen) % 4)
        words.put(text, np.frombuffer(padded, np.int32))
        return words.array()

    def _put_nodes(self, words: "_Words", rows: int) -> None:
        for index, (operation, first, second, track, frames) in enumerate(self.nodes):
            place = rows + ROW * self.starts[index], len(track.rows) if track else 0
            wrap = (track and track.wrap) or _NO_WRAP
            code = OPERATIONS.index(operation) | int(wrap.cycles) << 8
            framing = (each for frame in _all_frames(operation, frames) for each in _written(frame))
            turn = int(wrap.first), int(wrap.steps)
            words.put(HEADER + NODE * index, [code, first, second, *place, *framing, *turn])

    def _put_rows(self, words: "_Words", rows: int, curves: int) -> None:
        for index, (row, curve) in enumerate(self.rows):
            address = rows + ROW * index
            words.put(address, [row.start, row.period])
            words.put_reals(address + 2, [row.offset, row.tail])
            words.put(address + 4, [curves + CURVE * curve])

    def _put_curves(self, words: "_Words", curves: int, rows: int, tables: int) -> None:
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
            words.put_reals(address + 13, [curve.scale, curve.add])
            words.put_reals(tables, curve.table)
            tables += length


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


class _Words:
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

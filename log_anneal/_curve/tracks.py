"""A schedule as rows of phases: the form in which all kinds are alike.

A track is a table of phases, each with a curve between two values. Tracks are mixed by operations.
So a chain, a product or a cycle becomes numbers alone, which one program evaluates.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeGuard

import jax.numpy as jnp
import numpy as np

from log_anneal._core import check
from log_anneal._core.check import MAX_VALUE
from log_anneal._core.steps import MAX_STEP, Number
from log_anneal._curve.table import Row, Table, Wrap

SHAPES = (
    "level",
    "linear",
    "cosine",
    "log",
    "power",
    "exponential",
    "1-sqrt",
    "rex",
    "equation_4",
    "author_release",
    "inverse_sqrt",
    "parabolic",
)
"""The shapes, by the number that a live state holds. A new shape goes to the end."""


@dataclass(frozen=True)
class Curve:
    """The values of a phase: from `start` to `end`, in a shape.

    The start of the n-th round is `anchor + (start - anchor) exp(n log_cycle + t log_step)`, `t`
    steps after the start of the row. The exponential is at most `MOST_GROWTH`.
    """

    shape: str
    start: Number
    end: Number
    parameter: Number = 1.0
    """What the shape needs: the base minus 1, the power, the logarithm of the base, the time."""
    scale: Number = 1.0
    """What brings the shape to a weight of 1 at its start and 0 at its end."""
    rise_steps: int = 0
    """Steps at the beginning of a round that rise from `end` to `start`."""
    rise_shape: str = "linear"
    anchor: Number = 0.0
    log_cycle: Number = 0.0
    log_step: Number = 0.0
    low: Number = 0.0
    high: Number = MAX_VALUE
    table: Any = ()
    """Values, one for each round, in place of `start` and `end`."""

    @classmethod
    def level(cls, value: Number, **others: Any) -> "Curve":
        """Returns the curve of one value."""
        return cls("level", value, value, **others)


def curve(shape: str, start: Number, end: Number, parameter: Number = 1.0, **others: Any) -> Curve:
    """Makes a curve of a shape, whose parameter is what users give: a base or a power."""
    if shape == "log":
        c = parameter - 1
        return Curve(shape, start, end, c, -1 / _of("log1p", c), **others)
    if shape == "exponential":
        log = _of("log", parameter)
        return Curve(shape, start, end, log, -1 / _of("expm1", -log), **others)
    if shape == "equation_4":
        return Curve(shape, start, end, 1.0, 0.5 / _of("log", parameter), **others)
    return Curve(shape, start, end, parameter, **others)


def log(value: Number) -> Number:
    """Returns the logarithm, in float64 where the value is known."""
    return _of("log", value)


def _of(function: str, value: Number) -> Number:
    is_traced = check.is_traced(value)
    return getattr(jnp, function)(value) if is_traced else getattr(math, function)(value)


@dataclass(frozen=True)
class Frame:
    """What happens to a step before a track is looked up: it is limited, shifted and repeated."""

    limit: int = MAX_STEP
    shift: int = 0
    loop: int = 0
    """The length of a turn; 0 where nothing is repeated."""

    def after(self, outer: "Frame") -> "Frame | None":
        """Returns one frame that does what `outer` and then this one do; None if none does."""
        if outer.loop and not self.shift and not self.loop and self.limit >= outer.loop - 1:
            return outer
        if outer.loop or self.shift or outer.shift < 0:
            return None
        return Frame(min(outer.limit, self.limit + outer.shift), outer.shift, self.loop)


@dataclass(frozen=True)
class Track:
    """Rows of phases, in order, each with the curve that it follows."""

    rows: Sequence[Row]
    curves: Sequence[Curve]
    """One for each row. Neighbours with one and the same curve count its rounds on."""
    frames: tuple[Frame, ...] = ()
    """The outermost first."""
    wrap: Wrap | None = None
    """How the last rows come again, which counts their rounds on."""


@dataclass(frozen=True)
class Mix:
    """Two tracks or mixes as one value."""

    operation: str
    """"sum", "difference", "product", "maximum", "minimum", or "then": the second after a step."""
    first: "Tracks"
    second: "Tracks"
    frames: tuple[Frame, ...] = field(default=())
    """What "then" does to the step. The last one's shift is the step at which the second begins."""


Tracks: TypeAlias = Track | Mix


def rows_of(table: Table) -> Iterator[Row]:
    """Yields the rows of a table on the host, without those that only pad it."""
    columns = (table.last, table.start, table.period, table.lead, table.tail)
    for last, *row in zip(*(np.asarray(column).tolist() for column in columns), strict=True):
        yield Row(*row)
        if last == MAX_STEP:
            return


def phases(table: Table, curves: Sequence[Curve]) -> Track:
    """Makes a track of the rows of a table; the last curve goes on where the rows are more."""
    rows = list(rows_of(table))
    longer = [*curves, *[curves[-1]] * (len(rows) - len(curves))]
    return Track(rows, longer[: len(rows)])


def framed(tracks: Tracks, frame: Frame) -> Tracks:
    """Puts a frame around a track, or around all tracks of a mix."""
    frames = (frame, *tracks.frames)
    if len(frames) > 1:
        merged = frames[1].after(frame)
        frames = frames if merged is None else (merged, *frames[2:])
    if isinstance(tracks, Track):
        return replace(tracks, frames=frames)
    first, second = (framed(each, frame) for each in (tracks.first, tracks.second))
    return replace(tracks, first=first, second=second, frames=frames)


def chained(parts: Sequence[Tracks], starts: Sequence[int], limit: int) -> Tracks:
    """Puts tracks one after the other, each from its own start; the step stops at `limit`."""
    whole: Tracks | None = None
    for part, start in zip(parts, starts, strict=True):
        if whole is None:
            whole = part
        elif _is_plain(whole) and _is_plain(part):
            whole = _continued(whole, part, start)
        else:
            whole = None
        if whole is None:
            break
    if whole is None:
        whole = parts[0]
        for part, start in zip(parts[1:], starts[1:], strict=True):
            begin = Frame(shift=start)
            whole = Mix("then", whole, framed(part, begin), (begin,))
    return whole if limit == MAX_STEP else framed(whole, Frame(limit=limit))


def _is_plain(tracks: Tracks) -> TypeGuard[Track]:
    return isinstance(tracks, Track) and not tracks.frames and tracks.wrap is None


def _continued(track: Track, part: Track, start: int) -> Track:
    """Cuts a track at a step, and goes on with the rows of another."""
    kept = [index for index, row in enumerate(track.rows) if row.start < start]
    later = [index for index, row in enumerate(part.rows) if row.start + start <= MAX_STEP]
    rows = [part.rows[index] for index in later]
    # A curve that both have must not count on: its rounds begin anew.
    curves = [replace(part.curves[index]) for index in later]
    for index in range(1, len(curves)):
        if part.curves[later[index]] is part.curves[later[index - 1]]:
            curves[index] = curves[index - 1]
    moved = [row._replace(start=row.start + start) for row in rows]
    return Track(
        [*(track.rows[index] for index in kept), *moved],
        [*(track.curves[index] for index in kept), *curves],
    )

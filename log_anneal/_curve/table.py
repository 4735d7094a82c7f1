"""A table of phases, and the place of a step in it: exact, whatever the step.

A row is a phase from one real step to another. If the row lasts longer than its phase, the phase
comes again and again, in rounds. The last row may hold the end for ever.
"""

from bisect import bisect_left
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax

from log_anneal._core.backend import MAX_STEP, Backend, Device, Host, Number
from log_anneal._core.check import plain
from log_anneal._core.slopes import slope_of


class Row(NamedTuple):
    """A phase, and the slopes of its real start and length with respect to some parameters."""

    start: int
    """The first whole step."""
    period: int
    """Whole steps in the phase."""
    offset: float = 0.0
    """Steps from the real start to the first whole step, in [0, 1). It is 1 where the end is held:
    then the whole phase lies behind."""
    tail: float = 1.0
    """Steps from the last whole step to the real end, above 0. It is 0 where the end is held."""
    start_slopes: Sequence[float] = ()
    """The slope of the real start with respect to each parameter."""
    length_slopes: Sequence[float] = ()
    """The slope of the real length with respect to each parameter."""

    @classmethod
    def hold(cls, start: int) -> "Row":
        """Returns the row that holds the end of the last phase for ever."""
        return cls(start, 1, offset=1.0, tail=0.0)


class Table(NamedTuple):
    """Rows as columns, padded to a power of two with the last row."""

    last: npt.NDArray[Any]
    """int32 [rows], rising: the last whole step of the row; -1 for a row with no steps before 0."""
    start: npt.NDArray[Any]
    """int32 [rows]: the first whole step of the row."""
    period: npt.NDArray[Any]
    """int32 [rows]: whole steps in the row's phase."""
    lead: npt.NDArray[Any]
    """float [rows]: the row's offset. Checkpoints have this column under its name, so it stays."""
    tail: npt.NDArray[Any]
    """float [rows]: the row's tail."""
    slopes: npt.NDArray[Any]
    """float [rows, 2, parameters]: the slopes of the start and of the length of a row."""
    growth: npt.NDArray[Any]
    """float [parameters]: how much the length's slope grows from one round to the next."""


class Wrap(NamedTuple):
    """How steps come again: after so many cycles, which are so many whole steps."""

    first: npt.NDArray[Any]
    """int32: the first step of the first cycle."""
    steps: npt.NDArray[Any]
    """int32: whole steps in a turn."""
    cycles: npt.NDArray[Any]
    """int32: cycles in a turn."""

    @classmethod
    def of(cls, first: int, steps: int, cycles: int) -> "Wrap":
        """Returns the wrap as arrays."""
        return cls(*(np.asarray(min(each, MAX_STEP), np.int32) for each in (first, steps, cycles)))

    def turns(self, step: Number, xp: Backend) -> Number:
        """Returns how many turns are over at a step."""
        if xp is Host:
            return max(step - int(self.first), 0) // int(self.steps)
        return lax.div(jnp.maximum(xp.whole(step) - self.first, 0), self.steps)


class Place(NamedTuple):
    """The place of a step in its phase."""

    row: Number
    """int: the row of the table."""
    rounds: Number
    """int: how often the row's phase has passed."""
    elapsed: Number
    """int: whole steps since the first whole step of the phase."""
    offset: Number
    """float: steps from the real start of the phase to its first whole step, in [0, 1)."""
    since_start: Number
    """float: steps since the real start of the phase."""
    to_end: Number
    """float: steps to the real end of the phase; 0 only where the last end is held."""

    @property
    def length(self) -> Number:
        """float: the length of the phase, in steps."""
        return self.since_start + self.to_end

    def fractions(self) -> tuple[Number, Number]:
        """Returns the part of the phase that lies behind, 0 to 1, and the part ahead, 1 to 0."""
        length = self.since_start + self.to_end
        return self.since_start / length, self.to_end / length


def table_of(rows: Sequence[Row], growth: Sequence[float] = (), *, min_rows: int = 1) -> Table:
    """Makes a table of the rows that start before step 2^31."""
    rows = [row for row in rows if row.start <= MAX_STEP]
    size = max(min_rows, 1 << (len(rows) - 1).bit_length())
    parameters = len(rows[0].length_slopes)
    last = [row.start - 1 for row in rows[1:]] + [MAX_STEP]
    slopes = np.zeros((size, 2, parameters), np.float32)
    for index, row in enumerate(rows):
        if row.tail:
            slopes[index] = row.start_slopes or [0] * parameters, row.length_slopes
    return Table(
        _padded(last, size, np.int32),
        _padded([row.start for row in rows], size, np.int32),
        _padded([row.period for row in rows], size, np.int32),
        _padded([row.offset for row in rows], size, np.float64),
        _padded([row.tail for row in rows], size, np.float64),
        slopes,
        np.asarray(growth or [0] * parameters, np.float32),
    )


def locate(
    table: Table,
    step: Number,
    parameters: Sequence[Number],
    xp: Backend,
    wrap: Wrap | None = None,
) -> Place:
    """Finds the place of a step in [0, 2^31 - 1].

    `parameters` are the real numbers that the table was made from. They do not change the values of
    the place, which the table has exactly; they give it a gradient.
    """
    if wrap is not None:
        turns = wrap.turns(step, xp)
        step = xp.whole(step) - turns * wrap.steps
    if xp is Host:
        place = _located(table, step)
        return place if wrap is None else place._replace(rounds=turns * wrap.cycles)
    row = xp.count_below(table.last, step)
    period = xp.entry(table.period, row)
    since = xp.whole(step) - xp.entry(table.start, row)
    rounds, elapsed = lax.div(since, period), lax.rem(since, period)  # neither is below 0
    if wrap is not None:
        rounds = turns * wrap.cycles
    offset = xp.entry(table.lead, row)
    since_start = xp.real(elapsed) + offset
    to_end = xp.real(period - 1 - elapsed) + xp.entry(table.tail, row)
    slopes, real = (table.slopes, table.growth), tuple(map(slope_of, parameters))
    since_start, to_end = _moved((since_start, to_end), row, rounds, slopes, real)
    return Place(row, rounds, elapsed, offset, since_start, to_end)


def _located(table: Table, step: int) -> Place:
    """Does what `locate` does by Python's own operations, in a third of the time.

    `at` takes microseconds, of which `locate` would be most.
    """
    row = bisect_left(table.last, step)
    period, offset = table.period[row], table.lead[row]
    rounds, elapsed = divmod(step - table.start[row], period)
    to_end = period - 1 - elapsed + table.tail[row]
    return Place(row, rounds, elapsed, offset, elapsed + offset, to_end)


@jax.custom_jvp
def _moved(
    steps: tuple[Number, Number], row: Number, rounds: Number, slopes: Any, parameters: Any
) -> tuple[Number, Number]:
    """Returns the steps since the start and to the end, as functions of the parameters."""
    return steps


@_moved.defjvp
def _moved_jvp(primals: Any, tangents: Any) -> Any:
    """Moves the start by its own slopes and by those of the n phases that have passed.

    These add up to n B + n (n - 1) / 2 C: B is the slope of a length, C its growth.
    """
    _, row, rounds, (slopes, growth), _ = primals
    changes = jnp.stack(tangents[4])
    n = Device.real(rounds)
    start, length = jnp.moveaxis(Device.entry(slopes, row) @ changes, -1, 0)
    growing = growth @ changes
    start = start + n * length + n * (n - 1) / 2 * growing
    length = length + n * growing
    return _moved(*primals), (-start, start + length)


def is_known(table: Table) -> bool:
    """Tells whether a table is that of one schedule: neither traced, nor a stack, nor a slope."""
    start: Any = table.start
    is_whole = jnp.issubdtype(jnp.result_type(start), jnp.integer) if start is not None else False
    return is_whole and np.ndim(start) == 1 and not isinstance(start, jax.core.Tracer)


def read_back(exact: float, leaf: Any) -> float:
    """Returns a number that a table was made of: with the leaf's digits while that is the same."""
    leaf = np.asarray(leaf)
    few = np.finfo(np.float32).eps if leaf.dtype.itemsize < 8 else np.finfo(np.float64).eps
    is_same = leaf.dtype.itemsize >= 4 and abs(leaf - exact) <= 4 * few * abs(exact)
    number: float = plain(leaf if is_same else np.float32(exact))
    return number


def real_lengths(
    table: Table, names: Sequence[str], leaves: Mapping[str, Any], whole: Container[str]
) -> dict[str, float]:
    """Returns the lengths of the first phases by name: those that are no whole numbers beside."""
    found = {name: length_of(table, row) for row, name in enumerate(names)}
    return {
        name: read_back(length, leaves[name])
        for name, length in found.items()
        if length is not None and not (length.is_integer() and name in whole)
    }


def length_of(table: Table, row: int) -> float | None:
    """Returns the real length of the phase in a row; None if that begins after the last step."""
    if row and int(table.last[row - 1]) == MAX_STEP:
        return None
    return float(table.period[row]) - 1 + float(table.lead[row]) + float(table.tail[row])


def held_from(table: Table) -> int | None:
    """Returns the first step of the last row, if that row holds the end."""
    return None if np.asarray(table.tail)[-1] else int(np.asarray(table.start)[-1])


def _padded(column: Sequence[float], size: int, dtype: type) -> npt.NDArray[Any]:
    padded: npt.NDArray[Any] = np.full(size, column[-1], dtype)
    padded[: len(column)] = column
    return padded

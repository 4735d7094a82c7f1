"""A table of phases, and the place of a step in it: exact, whatever the step.

A row is a phase from one real step to another. A row that lasts longer than its phase repeats it;
the last row may hold the end for ever.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from log_anneal._core.backend import MAX_STEP, Device, Host, Namespace, Number


class Row(NamedTuple):
    """A phase, and the slopes of its real start and length with respect to some parameters."""

    start: int
    """The first whole step."""
    period: int
    """Whole steps in the phase."""
    lead: float = 0.0
    """From the real start to the first whole step, in [0, 1); 1 where the end is held, so that
    all of it is behind."""
    tail: float = 1.0
    """From the last whole step to the real end, above 0; 0 holds the end."""
    start_slopes: Sequence[float] = ()
    length_slopes: Sequence[float] = ()

    @classmethod
    def hold(cls, start: int) -> "Row":
        """The end of the last phase, for ever."""
        return cls(start, 1, lead=1.0, tail=0.0)


class Table(NamedTuple):
    """Rows as columns, padded to a power of two with the last row."""

    last: npt.NDArray[Any]
    """int32 [rows], rising: the last whole step of the row; -1 for a row with no steps before 0."""
    start: npt.NDArray[Any]
    """int32 [rows]."""
    period: npt.NDArray[Any]
    """int32 [rows]."""
    lead: npt.NDArray[Any]
    """float [rows]."""
    tail: npt.NDArray[Any]
    """float [rows]."""
    slopes: npt.NDArray[Any]
    """float [rows, 2, parameters]: of the start and of the length of a row."""
    growth: npt.NDArray[Any]
    """float [parameters]: how much the length's slope grows from one repetition to the next."""


class Place(NamedTuple):
    """A step's place in its phase."""

    row: Number
    repeats: Number
    """int: how often the row's phase has passed."""
    elapsed: Number
    """int: whole steps since the first whole step of the phase."""
    lead: Number
    """float: from the real start of the phase to its first whole step, in [0, 1)."""
    behind: Number
    """float: steps since the real start of the phase."""
    ahead: Number
    """float: steps to its real end; 0 only where the last end is held."""

    @property
    def length(self) -> Number:
        """float: the phase's, in steps."""
        return self.behind + self.ahead

    def fractions(self) -> tuple[Number, Number]:
        """floats: the part of the phase behind, 0 to 1, and the part ahead, 1 to 0."""
        length = self.behind + self.ahead
        return self.behind / length, self.ahead / length


def tabulated(rows: Sequence[Row], growth: Sequence[float] = (), *, min_rows: int = 1) -> Table:
    """The rows that start before step 2^31, as a table."""
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
        _padded([row.lead for row in rows], size, np.float64),
        _padded([row.tail for row in rows], size, np.float64),
        slopes,
        np.asarray(growth or [0] * parameters, np.float32),
    )


def locate(table: Table, step: Number, parameters: Sequence[Number], xp: Namespace) -> Place:
    """Finds the place of a step in [0, 2^31 - 1].

    `parameters` are the reals that the table was made from: they give the place no value, as the
    table has that exactly, but a gradient.
    """
    if xp is Host:
        return _located(table, step)
    row = xp.count_below(table.last, step)
    period = xp.take(table.period, row)
    since = step - xp.take(table.start, row)
    repeats, elapsed = xp.quotient(since, period), xp.rem(since, period)
    lead = xp.take(table.lead, row)
    behind = xp.real(elapsed) + lead
    ahead = xp.real(period - 1 - elapsed) + xp.take(table.tail, row)
    slopes = table.slopes, table.growth
    behind, ahead = _moved((behind, ahead), row, repeats, slopes, tuple(parameters))
    return Place(row, repeats, elapsed, lead, behind, ahead)


def _located(table: Table, step: int) -> Place:
    """`locate` by Python's own operations, in a third of the time: `at` has microseconds."""
    row = bisect_left(table.last, step)
    period, lead = table.period[row], table.lead[row]
    repeats, elapsed = divmod(step - table.start[row], period)
    ahead = period - 1 - elapsed + table.tail[row]
    return Place(row, repeats, elapsed, lead, elapsed + lead, ahead)


@jax.custom_jvp
def _moved(
    steps: tuple[Number, Number], row: Number, repeats: Number, slopes: Any, parameters: Any
) -> tuple[Number, Number]:
    """The steps behind and ahead, as functions of the parameters."""
    return steps


@_moved.defjvp
def _moved_jvp(primals: Any, tangents: Any) -> Any:
    """The start moves by its slopes, and the n phases passed by theirs: n B + n (n - 1) / 2 C."""
    _, row, repeats, (slopes, growth), _ = primals
    changes = jnp.stack(tangents[4])
    n = Device.real(repeats)
    start, length = jnp.moveaxis(Device.take(slopes, row) @ changes, -1, 0)
    growing = growth @ changes
    start = start + n * length + n * (n - 1) / 2 * growing
    length = length + n * growing
    return _moved(*primals), (-start, start + length)


def held_from(table: Table) -> int | None:
    """The first step of the last row, if that holds the end."""
    return None if np.asarray(table.tail)[-1] else int(np.asarray(table.start)[-1])


def _padded(column: Sequence[float], size: int, dtype: type) -> npt.NDArray[Any]:
    padded: npt.NDArray[Any] = np.full(size, column[-1], dtype)
    padded[: len(column)] = column
    return padded

"""Where a step lies: warm-up, first decay, or which restart, and how far into it.

The n-th restart is at the real step `S_n = warmup + decay + r (m^n - 1) / (m - 1)` and its cycle is
`r m^n` steps long. At whole steps a restart shows at the first one at or after `S_n`. A table made
on the host holds these: no logarithm of a step could tell which side of a boundary it is on.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from log_anneal._numeric import MAX_STEP, Namespace, Number

WARMUP, DECAY, RESTART = 0, 1, 2
"""Rows of the table: the warm-up, the first decay, the first of the restarts."""

_MIN_ROWS, _MAX_ROWS = 512, 65_536
_BITS = 128


class Cycles(NamedTuple):
    """One row a cycle, padded to 512, or to a higher power of two where those do not suffice."""

    last: npt.NDArray[Any]
    """int32 [rows], rising: the last whole step of the row; -1 where there is no warm-up."""
    start: npt.NDArray[Any]
    """int32 [rows]: the first whole step of the row."""
    period: npt.NDArray[Any]
    """int32 [rows]: whole steps in the cycle; a row that is longer repeats it."""
    lead: npt.NDArray[Any]
    """float [rows]: from the real start to the first whole step, in [0, 1)."""
    tail: npt.NDArray[Any]
    """float [rows]: from the cycle's last whole step to its real end, above 0; 0 holds the end."""


class Place(NamedTuple):
    """A step's place in its cycle."""

    row: Number
    elapsed: Number
    """int: whole steps since the first whole step of the cycle."""
    length: Number
    """float: the cycle's, in steps."""
    progress: Number
    """float: the part of the cycle behind, 0 to 1."""
    remainder: Number
    """float: the part ahead, 1 to 0; 0 only after the end of the last cycle."""


def locate(cycles: Cycles, step: Number, xp: Namespace) -> Place:
    """Finds the place of a step in [0, 2^31 - 1]."""
    row = xp.count_below(cycles.last, step)
    period = xp.take(cycles.period, row)
    elapsed = xp.rem(step - xp.take(cycles.start, row), period)
    behind = xp.real(elapsed) + xp.take(cycles.lead, row)
    ahead = xp.real(period - 1 - elapsed) + xp.take(cycles.tail, row)
    length = behind + ahead
    return Place(row, elapsed, length, behind / length, ahead / length)


def tabulate(
    warmup_steps: int, decay_steps: int, restart_steps: int, restart_multiplier: float
) -> Cycles:
    """Makes the table. `restart_steps` 0: no restarts.

    512 rows hold every multiplier from 1.04 up and from 0.95 down, and 1 itself, whatever the
    durations. Nearer 1 the table may double until it fits, and a larger table is another trace.

    Raises:
      ValueError: the table would need more than 65,536 rows.
    """
    end = warmup_steps + decay_steps
    rows = [(0, max(warmup_steps, 1), 0.0, 1.0), (warmup_steps, decay_steps, 0.0, 1.0)]
    if restart_steps and restart_multiplier == 1:
        rows.append((end, restart_steps, 0.0, 1.0))
    else:
        rows += _restarts(end, restart_steps, simplest_fraction(restart_multiplier))
    start, period, lead, tail = zip(*(row for row in rows if row[0] <= MAX_STEP), strict=True)
    last = [following - 1 for following in start[1:]] + [MAX_STEP]
    size = max(_MIN_ROWS, 1 << (len(start) - 1).bit_length())
    return Cycles(
        *(_padded(column, size, np.int32) for column in (last, start, period)),
        *(_padded(column, size, np.float64) for column in (lead, tail)),
    )


def _restarts(
    end: int, restart_steps: int, multiplier: Fraction
) -> list[tuple[int, int, float, float]]:
    """Rows of growing or shrinking cycles, and the hold that follows the last of them.

    Positions are integers in units of 2^-128 steps. Rounding down is right to the step: a restart
    is on a whole step only while every length before it is whole, and those are exact.
    """
    one = 1 << _BITS
    real_start, length = end << _BITS, restart_steps << _BITS
    rows: list[tuple[int, int, float, float]] = []
    while length >= one and real_start >> _BITS <= MAX_STEP:
        if len(rows) == _MAX_ROWS - 3:
            raise ValueError(
                f"`restart_multiplier` {float(multiplier)} with `restart_steps` {restart_steps} "
                f"must make at most {_MAX_ROWS:,} cycles before step 2^31, and makes more. "
                "Take exactly 1.0, a multiplier further from it, or other `restart_steps`."
            )
        real_end = real_start + length
        start = -(-real_start >> _BITS)
        period = min(-(-real_end >> _BITS) - start, MAX_STEP)
        lead = (start << _BITS) - real_start
        tail = real_end - (start + period - 1 << _BITS)
        rows.append((start, period, lead / one, tail / one))
        real_start, length = real_end, length * multiplier.numerator // multiplier.denominator
    return [*rows, (-(-real_start >> _BITS), 1, 1.0, 0.0)]


def simplest_fraction(value: float) -> Fraction:
    """The fraction that a float was written for: 11/10 for 1.1, which no float is."""
    simple = Fraction(value).limit_denominator(1_000_000)
    return simple if float(simple) == value else Fraction(value)


def restarts_before(cycles: Cycles, num_steps: int) -> list[int]:
    """The whole steps below `num_steps` at which a restart falls."""
    rows = zip(*(column[RESTART:].tolist() for column in cycles), strict=True)
    steps: list[int] = []
    for last, start, period, _, tail in rows:
        if tail:
            steps += range(start, min(last + 1, num_steps), period)
        if last == MAX_STEP:
            break
    return steps


def _padded(column: Sequence[float], size: int, dtype: type) -> npt.NDArray[Any]:
    padded: npt.NDArray[Any] = np.full(size, column[-1], dtype)
    padded[: len(column)] = column
    return padded

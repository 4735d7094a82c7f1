"""Where a step lies: warm-up, first decay, or which restart, and how far into it.

The n-th restart is at the real step `S_n = warmup + decay + r (m^n - 1) / (m - 1)`. Its cycle is
`r m^n` steps long. The first whole step at or after `S_n` is the first of the cycle. A table that
the host makes holds these steps. A logarithm of the step would round, and put some steps into the
wrong cycle.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from log_anneal._core.backend import Backend, Number
from log_anneal._core.check import simplest_fraction
from log_anneal._core.steps import MAX_STEP
from log_anneal._curve.table import Place, Row, Table, Wrap, table_of

WARMUP, DECAY, RESTART = 0, 1, 2
"""Rows of the table: the warm-up, the first decay, the first of the restarts."""

_MIN_ROWS, _MAX_ROWS = 512, 65_536
_BITS = 128


def cycle_table(
    warmup_steps: float,
    decay_steps: float,
    restart_steps: float,
    restart_multiplier: float,
    num_restarts: int | None = None,
) -> tuple[Table, Wrap | None]:
    """Makes the table of a cycle. If `restart_steps` is 0, it has no restarts.

    512 rows are enough for every multiplier from 1.04 up and from 0.95 down, and for 1 itself,
    whatever the whole durations. Nearer 1 the table may double until it fits; a larger table makes
    another trace. The slopes are with respect to the two first durations, `restart_steps` and the
    multiplier.

    Endless cycles of one real length, p / q steps, come again after q cycles: the table has so many
    rows, and the wrap says how a step is taken back to them. The length is one of `repeatable`.

    Raises:
      ValueError: the table would need more than 65,536 rows.
    """
    warmup, decay = (simplest_fraction(float(each)) for each in (warmup_steps, decay_steps))
    length, end = simplest_fraction(float(restart_steps)), warmup + decay
    rows = [
        _phase(Fraction(0), warmup, (), (1, 0, 0, 0)),
        _phase(warmup, decay, (1, 0, 0, 0), (0, 1, 0, 0)),
    ]
    rows[WARMUP] = rows[WARMUP]._replace(period=max(rows[WARMUP].period, 1))
    growth, wrap = (0.0, 0.0, 0.0, 0.0), None
    is_of_one_length = bool(restart_steps) and restart_multiplier == 1
    if is_of_one_length and length.denominator == 1:
        rows.append(_phase(end, length, (1, 1, 0, 0), (0, 0, 1, 0)))
        growth = (0.0, 0.0, 0.0, float(restart_steps))
        if num_restarts is not None:
            rows.append(Row.hold(math.ceil(end + num_restarts * length)))
    elif is_of_one_length and num_restarts is None:
        growth = (0.0, 0.0, 0.0, float(restart_steps))
        wrap = Wrap.of(math.ceil(end), length.numerator, length.denominator)
        rows += _of_one_length(end, length)
    else:
        multiplier = simplest_fraction(restart_multiplier)
        rows += _restarts(end, length, multiplier, num_restarts)
    return table_of(rows, growth, min_rows=_MIN_ROWS), wrap


def repeatable(length: float) -> float:
    """Returns the nearest length of endless cycles that come again within the rows of a table."""
    return float(simplest_fraction(float(length)).limit_denominator(_MAX_ROWS - 3))


def check_rise(
    rise_steps: int, restart_steps: float, multiplier: float, num_restarts: int | None
) -> None:
    """Refuses a rise that is as long as the shortest cycle."""
    cycles = (num_restarts or math.inf) - 1 if multiplier < 1 else 0
    shortest = restart_steps * multiplier**cycles
    if not rise_steps < shortest:
        raise ValueError(
            f"`restart_warmup_steps` must be below the shortest cycle, {shortest:.7g}, got "
            f"{rise_steps}. Take fewer, or `num_restarts` where they shrink."
        )


def _phase(start: Fraction, length: Fraction, start_slopes: Any, length_slopes: Any) -> Row:
    """Returns the row of a phase: its first whole step is the first at or after its real start."""
    first, end = math.ceil(start), math.ceil(start + length)
    offset, tail = float(first - start), float(start + length - end + 1)
    slopes = [tuple(map(float, each)) for each in (start_slopes, length_slopes)]
    return Row(first, end - first, offset, tail, *slopes)


def _of_one_length(end: Fraction, length: Fraction) -> list[Row]:
    """Returns the rows of as many cycles of one length as come to whole steps.

    They may be tens of thousands, so that positions are integers in units of a common fraction.
    """
    unit = math.lcm(end.denominator, length.denominator)
    start, of_length = (each.numerator * (unit // each.denominator) for each in (end, length))
    first, rows = -(-start // unit), []
    for n in range(length.denominator):
        start_slopes = (1.0, 1.0, float(n), n * (n - 1) / 2 * float(length))
        length_slopes = (0.0, 0.0, 1.0, n * length.numerator / length.denominator)
        real_end = start + of_length
        after = -(-real_end // unit)
        offset, tail = (first * unit - start) / unit, (real_end - (after - 1) * unit) / unit
        rows.append(Row(first, after - first, offset, tail, start_slopes, length_slopes))
        start, first = real_end, after
    return rows


def _restarts(
    end: Fraction, restart_steps: Fraction, multiplier: Fraction, num_restarts: int | None
) -> list[Row]:
    """Returns the rows of growing or shrinking cycles, and the hold after the last of them.

    Positions are integers in units of 2^-128 steps, so that lengths are rounded down. The restarts
    are still on the right steps: a restart falls on a whole step only if every length before it is
    whole, and whole lengths are exact.
    """
    one = 1 << _BITS
    ratio = float(multiplier)
    real_start, length = (each * one // 1 for each in (end, restart_steps))
    starts, lengths = (0.0, 0.0), (1.0, 0.0)  # slopes by restart_steps and by the multiplier
    rows: list[Row] = []
    while length >= one and real_start >> _BITS <= MAX_STEP and len(rows) != num_restarts:
        if len(rows) == _MAX_ROWS - 3:
            raise ValueError(
                f"`restart_multiplier` {ratio} with `restart_steps` {float(restart_steps):.10g} "
                f"must make at most {_MAX_ROWS:,} cycles before step 2^31, and makes more. "
                "Take exactly 1.0, a multiplier further from it, or other `restart_steps`."
            )
        real_end = real_start + length
        start = -(-real_start >> _BITS)
        period = min(-(-real_end >> _BITS) - start, MAX_STEP)
        offset = (start << _BITS) - real_start
        tail = real_end - (start + period - 1 << _BITS)
        slopes = (1, 1, *starts), (0, 0, *lengths)
        rows.append(Row(start, period, offset / one, tail / one, *slopes))
        starts = starts[0] + lengths[0], starts[1] + lengths[1]
        lengths = lengths[0] * ratio, len(rows) * float(restart_steps) * lengths[0]
        real_start, length = real_end, length * multiplier.numerator // multiplier.denominator
    return [*rows, Row.hold(-(-real_start >> _BITS))]


def rise_or_fall(place: Place, rise_steps: Number, xp: Backend) -> tuple[Number, Place]:
    """Tells whether a step is in the rise of a cycle, and its place in rise or fall."""
    rise = xp.whole(rise_steps)
    has_rise = (place.row >= RESTART) & (place.to_end != 0)
    is_rise = has_rise & (place.elapsed < rise)
    into = xp.where(has_rise & (place.elapsed >= rise), rise, 0)
    elapsed = place.elapsed - into
    since_start = xp.with_slope(
        xp.real(elapsed) + place.offset,
        place.since_start - xp.where(into != 0, rise_steps, 0.0),
    )
    to_top = xp.with_slope(
        xp.real(rise - place.elapsed) - place.offset, rise_steps - place.since_start
    )
    to_end = xp.where(is_rise, to_top, place.to_end)
    return is_rise, place._replace(elapsed=elapsed, since_start=since_start, to_end=to_end)


def multiplier_of(table: Table) -> float | None:
    """Returns the multiplier that a table was made with; None if it has fewer than two cycles."""
    if np.asarray(table.growth)[-1]:
        return 1.0
    return float(np.asarray(table.slopes)[RESTART + 1, 1, 2]) or None


def restart_rows(table: Table) -> Iterator[tuple[int, int, int]]:
    """Yields the first step, the last step and the period of each row of restarts."""
    columns: Any = (table.start, table.last, table.period, table.tail)
    rows = (np.asarray(column)[RESTART:].tolist() for column in columns)
    for start, last, period, tail in zip(*rows, strict=True):
        if tail:
            yield start, last, period
        if last == MAX_STEP:
            return


def cycle_starts(table: Table, wrap: Wrap | None, step: int) -> Iterator[int]:
    """Yields the whole steps at which a restart falls, from a step on."""
    if wrap is None:
        for start, last, period in restart_rows(table):
            rounds = max(-(-(step - start) // period), 0)
            yield from range(start + rounds * period, last + 1, period)
        return
    first, steps, cycles = (int(each) for each in wrap)
    starts = np.asarray(table.start)[RESTART : RESTART + cycles].tolist()
    for turn in range(max((step - first) // steps, 0), (MAX_STEP - first) // steps + 1):
        shift = turn * steps
        yield from (start + shift for start in starts[bisect_left(starts, step - shift) :])

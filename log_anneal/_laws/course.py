"""Laws of the course: where a schedule starts again, and what `stretch` does."""

import math
from itertools import islice
from typing import Any

import numpy as np

from log_anneal._core.schedule import Schedule
from log_anneal._core.steps import MAX_STEP
from log_anneal._laws.broken import broken
from log_anneal._laws.probe import Probe, durations, is_of_steps

_FINE = 256
"""Steps in the shortest duration of a stretched schedule: so fine that only a jump is large."""

_MOST = 20_000
"""The most steps that are looked at, one after the other."""

_STRETCHED = "This check stretches the schedule, so that its cycles have many steps."
_AGAIN = 16
"""Values that must be those of the start where a schedule starts again."""


def restarts(probe: Probe) -> None:
    """`restarts_at` names each step at which the schedule starts again, and that very step."""
    schedule = probe.schedule
    reported = list(islice(schedule._on_host.restarts_at(), 200))
    before = 0
    for step in reported:
        if not isinstance(step, (int, np.integer)) or step <= before:
            raise broken(
                *("restarts", schedule, before),
                *(("the restart after it", step), ("the least it may be", before + 1)),
                "`restarts_at` must return whole steps above 0, each above the one before it.",
            )
        before = int(step)
    fine = _fine(schedule)
    if fine is None:
        return
    _at_the_very_step(fine)
    _none_left_out(fine)


def _fine(schedule: Schedule) -> Schedule | None:
    """Returns the schedule with more steps; None if it cannot be stretched, or is long already."""
    known = [each for each in durations(schedule) if each > 0]
    if not known or is_of_steps(schedule):
        return None
    factor = math.ceil(_FINE / min(known))
    return schedule.stretch(factor) if factor * max(known) < MAX_STEP // 8 else None


def _at_the_very_step(schedule: Schedule) -> None:
    for reported in schedule.first_restarts(8):
        steps = np.arange(max(reported - 4, 0), min(reported + 4, MAX_STEP))
        values = np.asarray(schedule.at(steps))
        jumps = np.abs(np.diff(values))
        largest = int(np.argmax(jumps))
        others = np.delete(jumps, largest)
        step = int(steps[largest + 1])
        if step != reported and jumps[largest] > 4 * others.max(initial=0.0) and others.any():
            raise broken(
                *("restarts", schedule, step),
                (f"the value jumps there from {values[largest]:.9g}; it", values[largest + 1]),
                ("the step that `restarts_at` says", reported),
                f"Return the first step of a cycle: that of the value after the jump. {_STRETCHED}",
            )


def _none_left_out(schedule: Schedule) -> None:
    """Looks for a jump to the first value, after which the first values come again."""
    values: Any = np.asarray(schedule.at(np.arange(_reach(schedule))))
    start = values[:_AGAIN]
    jumps = np.abs(np.diff(values))
    is_large = jumps > 0.05 * np.ptp(values)
    if len(values) <= 2 * _AGAIN or not np.ptp(start):
        return
    known = set(schedule.restarts(len(values)))
    for step in (np.flatnonzero(is_large[:-_AGAIN]) + 1).tolist():
        again = values[step : step + _AGAIN]
        is_jump = jumps[step - 1] > 4 * max(jumps[step], jumps[step - 2])
        if is_jump and step not in known and np.allclose(again, start, rtol=1e-6, atol=0):
            raise broken(
                *("restarts", schedule, step),
                *(("the value", again[0]), ("the first value, which comes again,", start[0])),
                f"Name the step in `restarts_at`: here the schedule starts again. {_STRETCHED}",
            )


def _reach(schedule: Schedule) -> int:
    return int(min(3 * sum(durations(schedule)) + 2 * _AGAIN, _MOST))


def stretch(probe: Probe) -> None:
    """Twice the durations give the same curve, twice as long."""
    schedule = probe.schedule
    if is_of_steps(schedule) or 2 * sum(durations(schedule)) > MAX_STEP:
        return
    twice = schedule.stretch(2)
    way_out = (
        "Declare each number of steps as a `duration()`, and use it in `value_at`. A `number()` "
        "and a `count()` are not stretched."
    )
    for step in range(min(_reach(schedule), 400)):
        value, again = schedule.at(step), twice.at(2 * step)
        if not abs(value - again) <= 1e-9 * max(abs(value), 1e-3 * probe.scale):
            raise broken(
                *("stretch", schedule, step),
                *(("the value", value), (f"that of `stretch(2)` at step {2 * step}", again)),
                way_out,
            )
    pairs = zip(schedule.first_restarts(20), twice.first_restarts(20), strict=False)
    ended = [each.duration for each in (schedule, twice)]
    ends = [("end", ended[0], ended[1])] if None not in ended else []
    for what, once, longer in [*(("restart", *pair) for pair in pairs), *ends]:
        if once is not None and longer is not None and -(-longer // 2) != once:
            raise broken(
                *("stretch", schedule, once),
                *((f"the {what}", once), ("that of `stretch(2)`, halved,", longer / 2)),
                "Compute `restarts_at` and `ends_at` from the durations.",
            )

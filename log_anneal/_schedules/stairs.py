"""Stairs: a rate that changes at some steps, and is level between them."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from log_anneal._core import check
from log_anneal._core.backend import (
    MAX_STEP,
    MOST_GROWTH,
    Backend,
    Device,
    Host,
    Number,
    grown,
    known_log,
    log_of,
)
from log_anneal._core.fields import duration, number, steps
from log_anneal._core.schedule import Schedule
from log_anneal._curve.table import Row
from log_anneal._curve.tracks import Curve, Track, log


def check_end(init_value: Any, rate: Any, end_value: Any) -> None:
    """Refuses a decay to an end above its start, and a growth to one below it."""
    if any(map(check.is_traced, (init_value, rate, end_value))):
        return
    if rate <= 1:
        way_out = "Take a lower `end_value`, or `constant_schedule`."
        check.within("end_value", end_value, 0, init_value, way_out)
    elif end_value:
        way_out = "A rate above 1 grows up to it: take a higher one, or leave it out for no bound."
        check.within("end_value", end_value, init_value, check.MAX_VALUE, way_out)


def bounded(value: Number, rate: Number, end: Number, xp: Backend) -> Number:
    """Returns the value, of a decay at least the end, of a growth at most; there 0 is no bound."""
    most = xp.where(end > 0, end, check.MAX_VALUE)
    return xp.where(rate > 1, xp.minimum(value, most), xp.maximum(value, end))


def bounds_of(rate: Number, end: Number) -> dict[str, Number]:
    """Returns the bounds of a curve that are those of `bounded`."""
    xp = Device if any(map(check.is_traced, (rate, end))) else Host
    grows = rate > 1
    return {
        "low": xp.where(grows, 0.0, end),
        "high": xp.where(grows & (end > 0), end, check.MAX_VALUE),
    }


def first_at_end(host: Any, log_rate: float, period: int) -> int | None:
    """Finds the step at which `init exp(log_rate * step / period)`, in stairs, is at its end.

    Args:
      host: a schedule with `init_value` and `end_value`, of Python's numbers.
      log_rate: the logarithm of a decay or of a growth.
      period: whole steps.
    """
    start, end = host.init_value, host.end_value
    if not start or (log_rate <= 0 and start <= end):
        return 0
    if not end or not log_rate or math.log(end / start) > _FARTHEST:
        return None
    falls = math.log(end / start) / log_rate
    if not falls * period <= MAX_STEP:
        return None
    step = max(math.ceil(falls) - 1, 0) * period
    while step <= MAX_STEP and host.at(step) != end:
        step += period
    return step if step <= MAX_STEP else None


_FARTHEST = math.log(MOST_GROWTH) - 1e-6
"""How far above its start, as a logarithm, an end may be: a growth is held at 1e20 times it."""


class StepDecaySchedule(Schedule):
    """Multiplies the value by `decay_rate` every `decay_steps` steps.

        max(init_value * decay_rate ** floor(step / decay_steps), end_value)

    At step 0 and before, the value is `init_value`. Step `decay_steps` is the first of the second
    stair. The value stays at `end_value` once it is there. With an `end_value` of 0 it falls until
    float32 underflows to 0. The program has the same size for every number of stairs.

    A `decay_rate` above 1 grows, as in optax: then `end_value` is the highest rate. Without it the
    value grows up to 1e20 times `init_value`, at most 1e30, and is held there.

    In float32 the relative error stays below 1e-5 down to 1e-25 of the start, and below 2e-5 down
    to the smallest normal number. This holds if the rate is known when the schedule is built: the
    rounding of a traced rate grows with every stair. The gradient with respect to `decay_steps` is
    0, since stairs are flat.

    Args:
      init_value: The rate on the first stair. From 0 to 1e30.
      decay_steps: The length of a stair. Whole steps, at least 1.
      decay_rate: The rate of each stair, divided by the rate of the stair before it. From 1e-30
        to 1e20; above 1 it grows.
      end_value: The lowest rate, at which the decay stops. From 0 to `init_value`. Of a growth it
        is the highest rate, from `init_value` on, and 0 is no bound.

    Raises:
      ValueError: an argument is out of its range.
      TypeError: `decay_steps` is traced; the values and the rate may be.

    Example:
      >>> schedule = step_decay_schedule(init_value=1.0, decay_steps=30, decay_rate=0.5)
      >>> [schedule.at(step) for step in (0, 29, 30, 60)]
      [1.0, 1.0, 0.5, 0.25]

    References:
      torch.optim.lr_scheduler.StepLR; optax.exponential_decay with `staircase=True`.
    """

    name: ClassVar[str] = "step_decay"

    init_value: float = number()
    decay_steps: int = duration(way_out="For one value, use `constant_schedule`.")
    decay_rate: float = number(
        least=1e-30, most=MOST_GROWTH, way_out="Take 0.1 for a tenth each time, 2 to double it."
    )
    end_value: float = number(default=0.0)

    def _check(self) -> None:
        check_end(self.init_value, self.decay_rate, self.end_value)

    def _derive(self) -> Any:
        return known_log(self.decay_rate)

    def value_at(self, step: Number, xp: Backend) -> Number:
        decays = xp.real(step // self.decay_steps)
        log_rate = log_of(self.decay_rate, self._derived, xp)
        value = grown(self.init_value, decays * log_rate, xp)
        return bounded(value, self.decay_rate, self.end_value, xp)

    def ends_at(self) -> int | None:
        log_rate = log_of(self.decay_rate, self._derived, Host)
        return first_at_end(self, log_rate, self.decay_steps)

    def _tracks(self) -> Track:
        rate, bounds = log(self.decay_rate), bounds_of(self.decay_rate, self.end_value)
        stairs = Curve("level", self.init_value, 0.0, log_cycle=rate, **bounds)
        return Track([Row(0, self.decay_steps)], [stairs])


step_decay_schedule = StepDecaySchedule


class MultiStepSchedule(Schedule):
    """Multiplies the value by `decay_rate` at each of the given steps.

        init_value * decay_rate ** (how many milestones are at or before the step)

    Before the first milestone, and at negative steps, the value is `init_value`. After the last it
    does not change. A milestone that is given twice counts twice. The gradient reaches `init_value`
    and `decay_rate`.

    Args:
      init_value: The rate before the first milestone. From 0 to 1e30.
      milestones: The steps at which the rate changes. Whole steps, none before the one that
        precedes it.
      decay_rate: The factor by which each milestone multiplies the rate. From 1e-30 to 1e20; above
        1 it grows, up to 1e20 times `init_value` and at most 1e30.

    Raises:
      ValueError: an argument is out of its range, or the milestones fall.

    Example:
      >>> schedule = multi_step_schedule(init_value=1.0, milestones=[30, 60], decay_rate=0.5)
      >>> [schedule.at(step) for step in (0, 29, 30, 60, 1000)]
      [1.0, 1.0, 0.5, 0.25, 0.25]

    References:
      torch.optim.lr_scheduler.MultiStepLR; optax.piecewise_constant_schedule.
    """

    name: ClassVar[str] = "multi_step"

    init_value: float = number()
    milestones: Sequence[int] = steps()
    decay_rate: float = number(
        least=1e-30, most=MOST_GROWTH, way_out="Take 0.1 for a tenth each time, 2 to double it."
    )

    def _derive(self) -> Any:
        size = 1 << len(self.milestones).bit_length()
        last = np.full(size, MAX_STEP, np.int32)
        last[: len(self.milestones)] = np.asarray(self.milestones, np.int64) - 1
        return last, known_log(self.decay_rate)

    def value_at(self, step: Number, xp: Backend) -> Number:
        last, known = self._derived
        decays = xp.real(xp.count_below(last, step))
        return grown(self.init_value, decays * log_of(self.decay_rate, known, xp), xp)

    def ends_at(self) -> int:
        return self.milestones[-1] if self.milestones else 0

    def _tracks(self) -> Track:
        stairs = Curve("level", self.init_value, 0.0, log_cycle=log(self.decay_rate))
        rows = [Row(start, MAX_STEP) for start in (0, *self.milestones)]
        return Track(rows, [stairs] * len(rows))


multi_step_schedule = MultiStepSchedule

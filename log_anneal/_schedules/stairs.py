"""Stairs: a rate that falls at some steps, and is level between them."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from log_anneal._core import check
from log_anneal._core.backend import MAX_STEP, Backend, Host, Number, known_log, log_of
from log_anneal._core.fields import duration, number, steps
from log_anneal._core.schedule import Schedule
from log_anneal._curve.table import Row
from log_anneal._curve.tracks import Curve, Track, log


def check_end(init_value: Any, end_value: Any) -> None:
    """Refuses a decay to an end above its start."""
    if not check.is_traced(init_value):
        way_out = "Take a lower `end_value`, or `constant_schedule`."
        check.within("end_value", end_value, 0, init_value, way_out)


def first_at_end(host: Any, log_rate: float, period: int) -> int | None:
    """Finds the step at which `init exp(log_rate * step / period)`, in stairs, is at its end.

    Args:
      host: a schedule with `init_value` and `end_value`, of Python's numbers.
      log_rate: at most 0.
      period: whole steps.
    """
    if host.init_value <= host.end_value:
        return 0
    falls = (
        math.log(host.end_value / host.init_value) / log_rate
        if host.end_value and log_rate
        else math.inf
    )
    if not falls * period <= MAX_STEP:
        return None
    step = max(math.ceil(falls) - 1, 0) * period
    while step <= MAX_STEP and host.at(step) > host.end_value:
        step += period
    return step if step <= MAX_STEP else None


class StepDecaySchedule(Schedule):
    """Multiplies the value by `decay_rate` every `decay_steps` steps.

        max(init_value * decay_rate ** floor(step / decay_steps), end_value)

    At step 0 and before, the value is `init_value`. Step `decay_steps` is the first of the second
    stair. The value stays at `end_value` once it is there. With an `end_value` of 0 it falls until
    float32 underflows to 0. The program has the same size for every number of stairs.

    In float32 the relative error stays below 1e-5 down to 1e-25 of the start, and below 2e-5 down
    to the smallest normal number. This holds if the rate is known when the schedule is built: the
    rounding of a traced rate grows with every stair. The gradient with respect to `decay_steps` is
    0, since stairs are flat.

    Args:
      init_value: The rate on the first stair. From 0 to 1e30.
      decay_steps: The length of a stair. Whole steps, at least 1.
      decay_rate: The rate of each stair, divided by the rate of the stair before it. From 1e-30
        to 1.
      end_value: The lowest rate, at which the decay stops. From 0 to `init_value`.

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
    decay_rate: float = number(least=1e-30, most=1, way_out="Take 0.1 for a tenth each time.")
    end_value: float = number(default=0.0)

    def _check(self) -> None:
        check_end(self.init_value, self.end_value)

    def _derive(self) -> Any:
        return known_log(self.decay_rate)

    def value_at(self, step: Number, xp: Backend) -> Number:
        decays = xp.real(step // self.decay_steps)
        log_rate = log_of(self.decay_rate, self._derived, xp)
        return xp.maximum(self.init_value * xp.exp(decays * log_rate), self.end_value)

    def ends_at(self) -> int | None:
        log_rate = log_of(self.decay_rate, self._derived, Host)
        return first_at_end(self, log_rate, self.decay_steps)

    def _tracks(self) -> Track:
        rate = log(self.decay_rate)
        stairs = Curve("level", self.init_value, 0.0, log_cycle=rate, low=self.end_value)
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
      milestones: The steps at which the rate falls. Whole steps, none before the one that precedes
        it.
      decay_rate: The factor by which each milestone multiplies the rate. From 1e-30 to 1.

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
    decay_rate: float = number(least=1e-30, most=1, way_out="Take 0.1 for a tenth each time.")

    def _derive(self) -> Any:
        size = 1 << len(self.milestones).bit_length()
        last = np.full(size, MAX_STEP, np.int32)
        last[: len(self.milestones)] = np.asarray(self.milestones, np.int64) - 1
        return last, known_log(self.decay_rate)

    def value_at(self, step: Number, xp: Backend) -> Number:
        last, known = self._derived
        decays = xp.real(xp.count_below(last, step))
        return self.init_value * xp.exp(decays * log_of(self.decay_rate, known, xp))

    def ends_at(self) -> int:
        return self.milestones[-1] if self.milestones else 0

    def _tracks(self) -> Track:
        stairs = Curve("level", self.init_value, 0.0, log_cycle=log(self.decay_rate))
        rows = [Row(start, MAX_STEP) for start in (0, *self.milestones)]
        return Track(rows, [stairs] * len(rows))


multi_step_schedule = MultiStepSchedule

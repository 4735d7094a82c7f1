"""Two schedules as one: product, sum, difference, the larger, the smaller."""

from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from typing import Any, ClassVar, Literal

import numpy as np

from log_anneal._compose.part import schedule
from log_anneal._core.backend import Backend, Number
from log_anneal._core.check import MAX_VALUE
from log_anneal._core.fields import option
from log_anneal._core.schedule import Schedule
from log_anneal._core.timeline import restarts_from
from log_anneal._curve.tracks import Mix, Tracks

Operation = Literal["product", "sum", "difference", "maximum", "minimum"]


class CombinedSchedule(Schedule):
    """Two schedules at the same step, as one value from -1e30 to 1e30.

    `s1 * s2`, `s1 + s2`, `s1 - s2`, `maximum(s1, s2)` and `minimum(s1, s2)` make one. Either may be
    a number or a function of the step. The combined schedule restarts where one of the two does.

    A difference may be below 0: it is the one kind of schedule of which that is so, `-s` among
    them. A momentum `1 - rate` is not. Hold another at 0 by `maximum(s - 0.1, 0)`.

    Args:
      first: The first schedule.
      second: The second schedule.
      operation: How the two values become one: "product", "sum", "difference" (the first less the
        second), "maximum" or "minimum".

    Example:
      >>> from log_anneal import polynomial_schedule
      >>> schedule = 0.5 * polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=4) + 1.0
      >>> [schedule.at(step) for step in range(3)]
      [1.5, 1.375, 1.25]
      >>> [(2 - schedule).at(step) for step in range(3)]
      [0.5, 0.625, 0.75]
    """

    name: ClassVar[str] = "combined"

    first: Schedule = schedule()
    second: Schedule = schedule()
    operation: Operation = option("product", "sum", "difference", "maximum", "minimum")

    def value_at(self, step: Number, xp: Backend) -> Number:
        first, second = self.first.value_at(step, xp), self.second.value_at(step, xp)
        if self.operation == "maximum":
            return xp.maximum(first, second)
        if self.operation == "minimum":
            return xp.minimum(first, second)
        if self.operation == "product":
            return xp.clip(first * second, -MAX_VALUE, MAX_VALUE)
        value = first + second if self.operation == "sum" else first - second
        return xp.clip(value, -MAX_VALUE, MAX_VALUE)

    def restarts_at(self) -> Iterator[int]:
        return self._restarts_from(0)

    def _restarts_from(self, step: int) -> Iterator[int]:
        both = merge(restarts_from(self.first, step), restarts_from(self.second, step))
        return (restart for restart, _ in groupby(both))

    def ends_at(self) -> int | None:
        first, second = self.first.ends_at(), self.second.ends_at()
        return None if first is None or second is None else max(first, second)

    def _tracks(self) -> Tracks | None:
        first, second = self.first._tracks(), self.second._tracks()
        return None if first is None or second is None else Mix(self.operation, first, second)

    def _where(self, step: int) -> tuple[int, int, int | None]:
        for each in (self.first, self.second):
            if any(True for _ in restarts_from(each, 0)):
                return each._where(step)
        return super()._where(step)


combined_schedule = CombinedSchedule


def maximum(first: Any, second: Any) -> CombinedSchedule:
    """Returns the larger of two schedules at each step. Either may be a number or a function.

    Example:
      >>> from log_anneal import exponential_schedule
      >>> decay = exponential_schedule(init_value=1.0, decay_steps=10, decay_rate=0.5)
      >>> maximum(decay, 0.3).at(100)
      0.3
    """
    return CombinedSchedule(first=first, second=second, operation="maximum")


def minimum(first: Any, second: Any) -> CombinedSchedule:
    """Returns the smaller of two schedules at each step. Either may be a number or a function.

    Example:
      >>> from log_anneal import exponential_schedule
      >>> minimum(exponential_schedule(init_value=1.0, decay_steps=10, decay_rate=0.5), 0.3).at(0)
      0.3
    """
    return CombinedSchedule(first=first, second=second, operation="minimum")


def clip(schedule: Any, low: float, high: float) -> CombinedSchedule:
    """Keeps a schedule between two bounds.

    Args:
      schedule: a schedule, or a function of the step.
      low: the lower bound, from 0 to `high`. It may be a schedule too.
      high: the upper bound, at most 1e30. It may be a schedule too.

    Raises:
      ValueError: the bounds are numbers, and `low` is above `high`.

    Example:
      >>> from log_anneal import polynomial_schedule
      >>> schedule = polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=4)
      >>> [clip(schedule, 0.3, 0.8).at(step) for step in range(5)]
      [0.8, 0.75, 0.5, 0.3, 0.3]
    """
    bounds = [each for each in (low, high) if isinstance(each, (int, float, np.number))]
    if len(bounds) == 2 and low > high:
        raise ValueError(f"`low` must be at most `high` ({high}), got {low}. Change places.")
    return minimum(maximum(schedule, low), high)

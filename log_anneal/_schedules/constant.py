"""The same rate at every step."""

from typing import ClassVar

from log_anneal._core.backend import Backend, Number
from log_anneal._core.fields import number
from log_anneal._core.schedule import Schedule
from log_anneal._curve.table import Row
from log_anneal._curve.tracks import Curve, Track


class ConstantSchedule(Schedule):
    """The same value at every step; see `constant_schedule`.

    Args:
      value: The rate at every step. From 0 to 1e30.
    """

    name: ClassVar[str] = "constant"

    value: float = number()

    def value_at(self, step: Number, xp: Backend) -> Number:
        return self.value

    def ends_at(self) -> int:
        return 0

    def _tracks(self) -> Track:
        return Track([Row.hold(0)], [Curve.level(self.value)])


def constant_schedule(value: float) -> ConstantSchedule:
    """Keeps `value` at every step, negative ones too.

    Args:
      value: The rate at every step. From 0 to 1e30. It may be traced.

    Returns:
      A schedule, float32 and elementwise as all of them.

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> constant_schedule(0.1).at(1000)
      0.1
    """
    return ConstantSchedule(value=value)

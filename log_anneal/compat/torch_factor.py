"""A schedule in the form that PyTorch's LambdaLR takes."""

from typing import Any

import optax

from log_anneal._compose.function import as_schedule
from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal.compat.peer import above


class TorchFactor:
    """A function of the step for LambdaLR, `schedule(step) / base_lr`; see `as_torch_lambda`.

    It pickles, and can be copied. A `state_dict` holds nothing of it: LambdaLR writes the
    attributes of such an object into its `state_dict`, and would bring an old schedule back with
    them, so that it has none.
    """

    __slots__ = ("__dict__", "_base_lr", "_schedule")

    _base_lr: float
    _schedule: Schedule

    def __init__(self, schedule: Schedule, base_lr: float) -> None:
        """Keeps the schedule, and the rate that the optimizer was made with."""
        self._schedule = schedule
        self._base_lr = base_lr

    def __call__(self, step: int) -> float:
        """Returns the factor at a step, in float64 on the host."""
        return self._schedule.at(step) / self._base_lr

    def __eq__(self, other: object) -> bool:
        """Tells whether schedule and rate are the same."""
        return type(other) is TorchFactor and self.__reduce__()[1] == other.__reduce__()[1]

    def __hash__(self) -> int:
        """Returns the same for equal ones."""
        return hash(self.__reduce__()[1])

    def __repr__(self) -> str:
        """Returns the call that makes it."""
        return f"as_torch_lambda({self._schedule!r}, base_lr={self._base_lr!r})"

    def __reduce__(self) -> tuple[Any, tuple[Schedule, float]]:
        """Returns what a pickle and a copy keep."""
        return TorchFactor, (self._schedule, self._base_lr)


def as_torch_lambda(schedule: Schedule | optax.Schedule, base_lr: float) -> TorchFactor:
    """Makes the factor that `torch.optim.lr_scheduler.LambdaLR` multiplies `base_lr` by.

        schedule(step) / base_lr

    Args:
      schedule: a schedule, or any function of the step.
      base_lr: the rate that the optimizer was made with, above 0.

    Returns:
      A function of the step, in float64 on the host. It pickles, if the schedule does: to a worker,
      for example. In a `state_dict` it has no part, nor need it: it has no state.

    Raises:
      ValueError: `base_lr` is not above 0.

    Example:
      >>> from log_anneal import step_decay_schedule
      >>> schedule = step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.5)
      >>> factor = as_torch_lambda(schedule, base_lr=0.1)  # LambdaLR(optimizer, factor)
      >>> [factor(step) for step in (0, 30, 60)]
      [1.0, 0.5, 0.25]
    """
    way_out = "Give the rate that the optimizer was made with."
    base_lr = check.real("base_lr", check.number("base_lr", base_lr), 0, check.MAX_VALUE, way_out)
    above("base_lr", base_lr, 0, way_out)
    return TorchFactor(as_schedule("schedule", schedule), base_lr)

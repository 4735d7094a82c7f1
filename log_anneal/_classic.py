"""Schedules without a cycle."""

from typing import Any, ClassVar

import numpy as np

from log_anneal import _check
from log_anneal._numeric import Namespace, Number
from log_anneal._schedule import Schedule


class ConstantSchedule(Schedule):
    """The same value at every step; see `constant_schedule`."""

    name: ClassVar[str] = "constant"

    value: float
    """The value."""

    def _value(self, step: Number, xp: Namespace) -> Number:
        return self.value


def constant_schedule(value: float) -> ConstantSchedule:
    """`value` at every step, negative ones too.

    Args:
      value: from 0 to 1e30; it may be traced.

    Returns:
      A schedule, float32 and elementwise as all of them.

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> constant_schedule(0.1).at(1000)
      0.1
    """
    return ConstantSchedule(value=value)


class StepDecaySchedule(Schedule):
    """A staircase; see `step_decay_schedule`."""

    name: ClassVar[str] = "step_decay"
    _ways_out: ClassVar[dict[str, str]] = {"decay_steps": "For one value, use `constant_schedule`."}

    init_value: float
    """The value at step 0."""
    decay_steps: int
    """Steps between two decays."""
    decay_rate: float
    """What each decay multiplies the value by, above 0 and at most 1."""
    end_value: float = 0.0
    """The value that the decay stops at."""

    def _check(self) -> None:
        _check.within("decay_rate", self.decay_rate, 1e-30, 1, "Take 0.1 for a tenth each time.")
        if not _check.is_traced(self.init_value):
            way_out = "Take a lower `end_value`, or `constant_schedule`."
            _check.within("end_value", self.end_value, 0, self.init_value, way_out)

    def _derive(self) -> Any:
        return self.decay_rate ** np.exp2(np.arange(31))

    def _value(self, step: Number, xp: Namespace) -> Number:
        decays = xp.quotient(step, self.decay_steps)
        decayed = self.init_value * xp.power(self.decay_rate, self._derived, decays)
        return xp.maximum(decayed, self.end_value)


def step_decay_schedule(
    *, init_value: float, decay_steps: int, decay_rate: float, end_value: float = 0.0
) -> StepDecaySchedule:
    """Multiplies the value by `decay_rate` every `decay_steps` steps.

        max(init_value * decay_rate ** floor(step / decay_steps), end_value)

    At step 0 and at negative steps the value is `init_value`; step `decay_steps` is the first of
    the second stair. There is no last stair, but the value stays at `end_value` once it is there;
    with an `end_value` of 0 it falls until float32 underflows to 0. The program has the same size
    for every number of stairs.

    Args:
      init_value: the first stair, from 0 to 1e30.
      decay_steps: the length of a stair: whole steps, at least 1.
      decay_rate: the ratio of two stairs, from 1e-30 to 1.
      end_value: the lowest stair, from 0 to `init_value`.

    Returns:
      A schedule. In float32 its relative error stays below 5e-6 down to the smallest normal number,
      if the rate is known when it is built; a traced rate's own rounding grows with every stair.

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
    return StepDecaySchedule(
        init_value=init_value,
        decay_steps=decay_steps,
        decay_rate=decay_rate,
        end_value=end_value,
    )

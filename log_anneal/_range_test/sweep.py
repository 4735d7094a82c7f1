"""The rates of a learning-rate range test."""

from collections.abc import Sequence
from typing import Literal, TypeAlias, cast

import numpy as np

from log_anneal._core.check import MAX_VALUE, steps
from log_anneal._range_test.suggest import LEAST_STEPS, Curve
from log_anneal._schedules.tabulated import TabulatedSchedule

Sweep: TypeAlias = Literal["exponential", "linear"]

_LEAST = 1e-30
"""The lowest rate. It is well inside float32."""


def sweep_schedule(
    *,
    min_value: float = 1e-7,
    max_value: float = 10.0,
    num_steps: int = 100,
    sweep: Sweep = "exponential",
) -> TabulatedSchedule:
    """Makes the rates of a range test: a schedule of the step i = 0 .. n - 1, n = `num_steps`.

        exponential:  min (max / min) ** (i / (n - 1))
        linear:       min + (max - min) i / (n - 1)

    Before the first step it is `min_value`, after the last `max_value`. An exponential sweep gives
    each decade as many steps as the next, and is for finding the order of magnitude; a linear one,
    Smith's, is for the bounds once the order is known.

    Args:
      min_value: the first rate, above 0.
      max_value: the last rate, above `min_value`.
      num_steps: how many, at least 10.
      sweep: "exponential" or "linear".

    Returns:
      A `TabulatedSchedule` of those rates.

    Raises:
      ValueError: an argument breaks its rule.

    Example:
      >>> schedule = sweep_schedule(min_value=1e-4, max_value=1.0, num_steps=401)
      >>> [round(schedule.at(step), 6) for step in (0, 100, 400)]
      [0.0001, 0.001, 1.0]
    """
    rates = sweep_rates(min_value, max_value, num_steps, sweep)
    return TabulatedSchedule(values=cast("Sequence[float]", rates))


def sweep_rates(min_value: float, max_value: float, num_steps: int, sweep: Sweep) -> Curve:
    """Returns all of those rates, in float64."""
    if not _LEAST <= min_value < max_value <= MAX_VALUE:
        raise ValueError(
            f"`min_value` must be at least {_LEAST} and below `max_value`, which is at most "
            f"{MAX_VALUE}, got {min_value} and {max_value}. Take 1e-7 and 10."
        )
    count = steps("num_steps", num_steps, LEAST_STEPS, "Take 100 or more.")
    part = np.arange(count) / (count - 1)
    if sweep == "exponential":
        rates = min_value * (max_value / min_value) ** part
    elif sweep == "linear":
        rates = min_value + (max_value - min_value) * part
    else:
        raise ValueError(
            f'`sweep` must be "exponential" or "linear", got {sweep!r}. '
            'Take "exponential" to find the order of magnitude.'
        )
    return np.asarray(rates, np.float64)

"""Curves that Keras, timm and transformers have, and that are no schedule of ours by a name."""

import math
from fractions import Fraction
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from log_anneal._core import check
from log_anneal._core.backend import Backend, Number
from log_anneal._core.fields import duration, number, option
from log_anneal._core.schedule import Schedule


class InverseTimeSchedule(Schedule):
    """Falls by time or a power of it: `init / (1 + decay_rate p) ** power`, `p = step / T`.

    At step 0 and before, the value is `init_value`. There is no end. In stairs, `p` is rounded down
    to a whole number.

    Args:
      init_value: The first rate, at step 0. From 0 to 1e30.
      decay_steps: The time `T` in which `p` grows by 1. Whole steps, at least 1.
      decay_rate: How fast the divisor grows. From 0 to 1e30.
      power: The exponent of the divisor: 1 is Keras's, 0.5 the reciprocal square root. From 0.01
        to 100.
      form: The course between the times `T`: "smooth" or "stairs".

    Example:
      >>> schedule = InverseTimeSchedule(init_value=1.0, decay_steps=10, decay_rate=1.0)
      >>> [schedule.at(step) for step in (0, 10, 30)]
      [1.0, 0.5, 0.25]

    References:
      keras.optimizers.schedules.InverseTimeDecay; timm.scheduler.WSDLRScheduler.
    """

    name: ClassVar[str] = "inverse_time"

    init_value: float = number()
    decay_steps: int = duration(way_out="Take 1 to count in steps.")
    decay_rate: float = number(default=1.0)
    power: float = number(default=1.0, least=0.01, most=100.0, way_out="Take 1 for Keras's.")
    form: Literal["smooth", "stairs"] = option("smooth", "stairs", default="smooth")

    def value_at(self, step: Number, xp: Backend) -> Number:
        """Returns the value at a step."""
        if self.form == "stairs":
            passed = xp.real(step // self.decay_steps)
        else:
            passed = xp.real(step) / self.decay_steps
        return self.init_value * xp.exp(-self.power * xp.log1p(self.decay_rate * passed))


inverse_time_schedule = InverseTimeSchedule


class PolynomialCyclesSchedule(Schedule):
    """Falls to `end_value` at every multiple of `decay_steps`, each time over the whole past.

        end + (init - end) (1 - step / (n T)) ** power,    n = max(1, ceil(step / T))

    The value is `init_value` at step 0 and before. One step after a multiple of `T = decay_steps`
    it restarts, lower each time. There is no end.

    Args:
      init_value: The first rate, at step 0. From 0 to 1e30.
      end_value: The rate at the end of each cycle. From 0 to 1e30.
      decay_steps: The length `T` of a cycle. Whole steps, at least 1.
      power: The exponent of the part of the way that is left. From 0.01 to 100.

    Example:
      >>> schedule = PolynomialCyclesSchedule(init_value=1.0, end_value=0.0, decay_steps=4)
      >>> [schedule.at(step) for step in (0, 2, 4, 5, 6, 8)]
      [1.0, 0.5, 0.0, 0.375, 0.25, 0.0]

    References:
      keras.optimizers.schedules.PolynomialDecay with `cycle=True`.
    """

    name: ClassVar[str] = "polynomial_cycles"

    init_value: float = number()
    end_value: float = number()
    decay_steps: int = duration(way_out="For one value, use `constant_schedule`.")
    power: float = number(default=1.0, least=0.01, most=100.0, way_out="1 is a straight line.")

    def value_at(self, step: Number, xp: Backend) -> Number:
        """Returns the value at a step."""
        before = xp.maximum(step - 1, 0)
        turn = xp.real(before // self.decay_steps) + 1
        left = xp.real(self.decay_steps - 1 - before % self.decay_steps)
        share = xp.where(step == 0, 1.0, left / (turn * xp.real(self.decay_steps)))
        return self.end_value + (self.init_value - self.end_value) * xp.power(share, self.power)

    def restarts_at(self) -> range:
        """Returns the first step of each cycle but the first."""
        return range(self.decay_steps + 1, 2**31, self.decay_steps)


polynomial_cycles_schedule = PolynomialCyclesSchedule


_LARGEST = 46_340
"""The largest divisor whose square is below 2^31."""


class Known(NamedTuple):
    """The part of a wave that is left after `num_cycles`, as a fraction: float32 would drift."""

    top: Any
    bottom: Any
    rest: Any
    """What the fraction leaves of the number: at most 1e-9."""
    of: Any
    """The number of cycles when the schedule was built."""


class CosineWavesSchedule(Schedule):
    """A wave that neither restarts nor ends: `end + (peak - end) (1 + cos(2 pi c step / T)) / 2`.

    The value is `peak_value` at step 0 and before. With `num_cycles` `c = 0.5` the first fall takes
    `T = decay_steps`; then the wave rises again.

    Args:
      peak_value: The highest rate, at step 0. From 0 to 1e30.
      end_value: The lowest rate. From 0 to 1e30.
      decay_steps: The time `T` of `num_cycles` waves. Whole steps, at least 1.
      num_cycles: The number of waves in that time, whole or not. From 0 to 1e6.

    Example:
      >>> schedule = CosineWavesSchedule(
      ...     peak_value=1.0, end_value=0.0, decay_steps=4, num_cycles=1.5)
      >>> [round(schedule.at(step), 3) for step in range(5)]
      [1.0, 0.146, 0.5, 0.854, 0.0]

    References:
      transformers.get_cosine_schedule_with_warmup.
    """

    name: ClassVar[str] = "cosine_waves"

    peak_value: float = number()
    end_value: float = number(default=0.0)
    decay_steps: int = duration(way_out="Take the number of steps of the run.")
    num_cycles: float = number(default=0.5, most=1e6, way_out="Take 0.5 for one fall.")

    def _derive(self) -> Known:
        if check.is_traced(self.num_cycles):
            return Known(np.int32(0), np.int32(1), np.float64(0), np.float64(0))
        exact = Fraction(self.num_cycles)
        near = exact.limit_denominator(_LARGEST)
        top, bottom = np.int32(near.numerator % near.denominator), np.int32(near.denominator)
        return Known(top, bottom, np.float64(exact - near), np.float64(self.num_cycles))

    def value_at(self, step: Number, xp: Backend) -> Number:
        """Returns the value at a step."""
        turns, rest = step // self.decay_steps, step % self.decay_steps
        known = self._derived
        of_turns = xp.real(xp.whole(turns) % known.bottom * known.top % known.bottom) / known.bottom
        changed = xp.real(turns) * (self.num_cycles - xp.fixed(known.of) + known.rest)
        phase = of_turns + changed + self.num_cycles * (rest / self.decay_steps)
        share = xp.sin(math.pi / 2 * xp.abs(2 * (phase % 1.0) - 1)) ** 2
        return self.end_value + (self.peak_value - self.end_value) * share


cosine_waves_schedule = CosineWavesSchedule

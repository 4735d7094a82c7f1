"""The cycle of `cyclical_log_schedule` with other shapes. They differ in the shape alone."""

from typing import Any, ClassVar

from log_anneal._core import check
from log_anneal._core.backend import Backend, Number
from log_anneal._core.fields import function, number
from log_anneal._curve.shape import (
    Weights,
    cosine_decay,
    exponential_decay,
    linear_decay,
    polynomial_decay,
)
from log_anneal._curve.table import Place
from log_anneal._schedules.cyclical import CyclicalBase


class CyclicalCosineSchedule(CyclicalBase):
    """SGDR's cosine: `end + (start - end) (1 + cos(pi t / T)) / 2`.

    Here `t` counts the steps since the start of a cycle of `T` steps from `start` to `end`.
    `cyclical_log_schedule` describes the arguments, the gradients, and what happens at step 0, at a
    restart and after the end: all is as in its anchored form.

    In a long cycle, neighbouring steps differ by less than float32 can tell. So a value may lie
    above the one before it, by its last digit.

    Example:
      >>> schedule = cyclical_cosine_schedule(peak_value=1.0, end_value=0.0, decay_steps=4)
      >>> [round(schedule.at(step), 3) for step in range(6)]
      [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]

    References:
      Loshchilov and Hutter 2016, arXiv:1608.03983, equation 5; Naveen 2024, arXiv:2403.14685,
      equation 3.
    """

    name: ClassVar[str] = "cyclical_cosine"

    def _weights(self, place: Place, xp: Backend) -> Weights:
        return cosine_decay(*place.fractions(), xp)

    def _shape(self) -> tuple[str, Number]:
        return ("cosine", 1.0)


cyclical_cosine_schedule = CyclicalCosineSchedule


def sgdr_schedule(
    *,
    peak_value: float,
    end_value: float,
    restart_steps: float,
    restart_multiplier: float = 1.0,
    init_value: float = 0.0,
    warmup_steps: float = 0,
) -> CyclicalCosineSchedule:
    """Makes SGDR, by its own names: cosine cycles from the start, the first `restart_steps` long.

        end + (peak - end) (1 + cos(pi t / T)) / 2,    T = restart_steps * restart_multiplier ** n

    This is `cyclical_cosine_schedule` without a first decay.

    Args:
      peak_value: The highest rate: where every cycle starts; SGDR's eta_max. From 0 to 1e30.
      end_value: The lowest rate: where every cycle ends; SGDR's eta_min. From 0 to 1e30.
      restart_steps: The length of the first cycle: SGDR's T_0. Steps, whole or real, at least 1.
      restart_multiplier: The length of each later cycle, divided by the length of the cycle before
        it: SGDR's T_mult. Any real number from 1e-6 to 1e6.
      init_value: The first rate: where the warm-up starts. From 0 to 1e30. Unused without a
        warm-up.
      warmup_steps: The length of the warm-up, a cosine too. Steps, whole or real, at least 0; 0
        means no warm-up.

    Returns:
      A schedule: steps of any shape in, float32 of that shape out.

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> sgdr_schedule(
      ...     peak_value=0.1, end_value=0.0, restart_steps=10, restart_multiplier=2.0
      ... ).restarts(100)
      [10, 30, 70]

    References:
      Loshchilov and Hutter 2016, arXiv:1608.03983, equation 5 and section 3.
    """
    return CyclicalCosineSchedule(
        peak_value=peak_value,
        end_value=end_value,
        decay_steps=0,
        init_value=init_value,
        warmup_steps=warmup_steps,
        restart_steps=restart_steps,
        restart_multiplier=restart_multiplier,
    )


class CyclicalLinearSchedule(CyclicalBase):
    """A straight line: `end + (start - end) (1 - t / T)`.

    All else is as in the anchored form of `cyclical_log_schedule`.

    Example:
      >>> schedule = cyclical_linear_schedule(
      ...     peak_value=1.0, end_value=0.0, decay_steps=4, restart_steps=2, restart_decay=0.5)
      >>> [schedule.at(step) for step in range(8)]
      [1.0, 0.75, 0.5, 0.25, 1.0, 0.5, 0.5, 0.25]
    """

    name: ClassVar[str] = "cyclical_linear"

    def _weights(self, place: Place, xp: Backend) -> Weights:
        return linear_decay(*place.fractions(), xp)

    def _shape(self) -> tuple[str, Number]:
        return ("linear", 1.0)


cyclical_linear_schedule = CyclicalLinearSchedule


class CyclicalPolynomialSchedule(CyclicalBase):
    """A power of the way left: `end + (start - end) (1 - t / T) ** power`.

    All else is as in the anchored form of `cyclical_log_schedule`. If the power is below 1, the
    slope has no bound at the end of a cycle; the gradient there is 0.

    Args:
      power: The exponent of the part of the way that is left: 1 gives a straight line, 2 a fall
        that slows down towards the end. From 0.01 to 100.

    Example:
      >>> schedule = cyclical_polynomial_schedule(
      ...     peak_value=1.0, end_value=0.0, decay_steps=4, power=2.0)
      >>> [schedule.at(step) for step in range(6)]
      [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    name: ClassVar[str] = "cyclical_polynomial"

    power: float = number(least=0.01, most=100.0, way_out="Take 1 for a straight line.")

    def _weights(self, place: Place, xp: Backend) -> Weights:
        return polynomial_decay(*place.fractions(), self.power, xp)

    def _shape(self) -> tuple[str, Number]:
        return ("power", self.power)


cyclical_polynomial_schedule = CyclicalPolynomialSchedule


class CyclicalExponentialSchedule(CyclicalBase):
    """By equal ratios: `end + (start - end) (b ** (1 - t / T) - 1) / (b - 1)`, `b = base`.

    With the default base, `peak_value / end_value`, a cycle from `peak_value` is the geometric
    interpolation `peak ** (1 - t / T) * end ** (t / T)`. All else is as in the anchored form of
    `cyclical_log_schedule`.

    Args:
      base: The ratio of the two ends of the curve: near 1 it is a straight line, with a large base
        a spike. From 1.000001 to 1e18; None means `peak_value / end_value`.

    Example:
      >>> schedule = cyclical_exponential_schedule(peak_value=1.0, end_value=0.01, decay_steps=4)
      >>> [round(schedule.at(step), 4) for step in range(6)]
      [1.0, 0.3162, 0.1, 0.0316, 0.01, 0.01]
    """

    name: ClassVar[str] = "cyclical_exponential"

    base: float | None = number(
        default=None, least=1.000001, most=1e18, way_out="Near 1 it is a straight line."
    )

    def _check(self) -> None:
        super()._check()
        traced = check.is_traced(self.peak_value) or check.is_traced(self.end_value)
        if self.base is None and not traced:
            ratio = self.peak_value / self.end_value if self.end_value else float("inf")
            way_out = "That is the default `base`: give one, 100 for example."
            check.within("peak_value / end_value", ratio, 1.000001, 1e18, way_out)

    def _resolve(self) -> dict[str, Any]:
        numbers = super()._resolve()
        if self.base is None:
            numbers["base"] = self.peak_value / self.end_value
        return numbers

    def _weights(self, place: Place, xp: Backend) -> Weights:
        return exponential_decay(*place.fractions(), self.base, xp)

    def _shape(self) -> tuple[str, Number]:
        return ("exponential", self.base)


cyclical_exponential_schedule = CyclicalExponentialSchedule


class CyclicalSchedule(CyclicalBase):
    """A shape of your own: `end + (start - end) shape(t / T, xp)`.

    All else is as in the anchored form of `cyclical_log_schedule`. JSON cannot hold a function. To
    store the schedule, make a table of it by `tabulated_schedule`, or write a subclass of
    `CyclicalBase` with a `name` and `weight_at`, as in docs/extending.md.

    Args:
      shape: The function `shape(progress, xp)`, from 1 at a progress of 0 to 0 at a progress of 1.
        It computes with the functions of `xp`, which have NumPy's names: with numbers on the host,
        and with arrays on the device. Where its slope has no bound, neither has the gradient.

    Raises:
      ValueError: the shape does not fall from 1 to 0, or another argument is out of its range.

    Example:
      >>> schedule = cyclical_schedule(
      ...     shape=lambda progress, xp: xp.cos(progress * xp.pi / 2),
      ...     peak_value=1.0, end_value=0.0, decay_steps=3)
      >>> [round(schedule.at(step), 3) for step in range(5)]
      [1.0, 0.866, 0.5, 0.0, 0.0]
    """

    name: ClassVar[str] = "cyclical"

    shape: Any = function()

    def weight_at(self, progress: Number, xp: Backend) -> Number:
        """Returns the value of `shape`."""
        return self.shape(progress, xp)


cyclical_schedule = CyclicalSchedule

# The earlier name of the class, which other code may import and old pickles have.
CyclicalShapeSchedule = CyclicalSchedule

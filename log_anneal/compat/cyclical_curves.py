"""Cycles of timm and Optax whose shapes are no cycle of ours by a name."""

from typing import Any, ClassVar

from log_anneal._core.backend import Backend, Number
from log_anneal._core.fields import number
from log_anneal._curve.shape import Weights
from log_anneal._curve.table import Place
from log_anneal._schedules.cyclical import CyclicalBase


def k_decay_cosine(progress: Any, xp: Any, *, k: float) -> Any:
    """Falls by `(1 + cos(pi p^k)) / 2 = cos(pi p^k / 2)^2`; at the start its slope counts as 0."""
    has_begun = progress > 0
    power = xp.where(has_begun, xp.where(has_begun, progress, 1.0) ** k, 0.0)
    return xp.cos(xp.pi / 2 * power) ** 2


class CyclicalCosinePowerSchedule(CyclicalBase):
    """A power of a bent cosine: `end + (start - end) ((1 + cos(pi p^k)) / 2) ** exponent`.

    Here `p = t / T` is the progress through a cycle. All else is as in the anchored form of
    `cyclical_log_schedule`. If `k` is below 1, the slope has no bound at the start of a cycle.

    Args:
      k: The exponent of the progress, of k-decay: above 1 the rate stays high for longer. From 0.01
        to 100.
      exponent: The exponent of the whole wave: above 1 the rate is low for longer. From 0.01 to
        100.

    Example:
      >>> schedule = CyclicalCosinePowerSchedule(
      ...     peak_value=1.0, end_value=0.0, decay_steps=4, k=2.0)
      >>> [round(schedule.at(step), 3) for step in range(5)]
      [1.0, 0.99, 0.854, 0.402, 0.0]

    References:
      Zhang and Li 2020, arXiv:2004.05909 (k-decay); optax.cosine_decay_schedule.
    """

    name: ClassVar[str] = "cyclical_cosine_power"

    k: float = number(default=1.0, least=0.01, most=100.0, way_out="Take 1 for a cosine.")
    exponent: float = number(default=1.0, least=0.01, most=100.0, way_out="Take 1 for a cosine.")

    def weight_at(self, progress: Number, xp: Backend) -> Number:
        """Returns how much of the start there is in the value."""
        return xp.power(k_decay_cosine(progress, xp, k=self.k), self.exponent)


cyclical_cosine_power_schedule = CyclicalCosinePowerSchedule


class CyclicalPolynomialPowerSchedule(CyclicalBase):
    """A power of the way left, bent: `end + (start - end) (1 - p^k) ** power`.

    Here `p = t / T` is the progress through a cycle. All else is as in the anchored form of
    `cyclical_log_schedule`.

    Args:
      k: The exponent of the progress, of k-decay: above 1 the rate stays high for longer. From 0.01
        to 100.
      power: The exponent of what is left: 1 gives a straight line where `k` is 1. From 0.01 to 100.

    Example:
      >>> schedule = CyclicalPolynomialPowerSchedule(
      ...     peak_value=1.0, end_value=0.0, decay_steps=4, k=2.0, power=1.0)
      >>> [round(schedule.at(step), 6) for step in range(5)]
      [1.0, 0.9375, 0.75, 0.4375, 0.0]

    References:
      Zhang and Li 2020, arXiv:2004.05909.
    """

    name: ClassVar[str] = "cyclical_polynomial_power"

    k: float = number(default=1.0, least=0.01, most=100.0, way_out="Take 1 for no bend.")
    power: float = number(least=0.01, most=100.0, way_out="Take 1 for a straight line.")

    def _weights(self, place: Place, xp: Backend) -> Weights:
        p, q = place.fractions()
        has_begun = p > 0
        early = xp.log(xp.where(has_begun, p, 1.0))
        log_p = xp.where(p < 0.5, early, xp.log1p(-xp.minimum(q, 0.5)))
        left = xp.where(has_begun, -xp.expm1(self.k * log_p), 1.0)
        of_start = xp.power(left, self.power)
        return of_start, 1 - of_start


cyclical_polynomial_power_schedule = CyclicalPolynomialPowerSchedule


class CyclicalTanhSchedule(CyclicalBase):
    """A hyperbolic tangent: `end + (start - end) (1 - tanh(a + (b - a) p)) / 2`.

    Here `p = t / T` is the progress through a cycle, `a = lower` and `b = upper`. A cycle begins a
    little below its start and stops a little above `end_value`, which is held after the last one.
    All else is as in the anchored form of `cyclical_log_schedule`.

    Args:
      lower: The argument of the tangent where a cycle starts. From -1e4 to 1e4.
      upper: The argument of the tangent where a cycle ends. From -1e4 to 1e4.

    Example:
      >>> schedule = CyclicalTanhSchedule(
      ...     peak_value=1.0, end_value=0.0, decay_steps=4, lower=-3.0, upper=3.0)
      >>> [round(schedule.at(step), 3) for step in range(5)]
      [0.998, 0.953, 0.5, 0.047, 0.0]

    References:
      Hsueh, Li and Wu 2018, arXiv:1806.01593.
    """

    name: ClassVar[str] = "cyclical_tanh"

    lower: float = number(default=-7.0, least=-1e4, most=1e4)
    upper: float = number(default=3.0, least=-1e4, most=1e4)

    def _weights(self, place: Place, xp: Backend) -> Weights:
        p, q = place.fractions()
        # (1 - tanh(x)) / 2 = 1 / (1 + exp(2 x)): the difference would leave no digits.
        x = xp.clip(2 * (self.lower * q + self.upper * p), -80.0, 80.0)
        is_over = place.to_end == 0
        of_start = xp.where(is_over, 0.0, 1 / (1 + xp.exp(x)))
        return of_start, xp.where(is_over, 1.0, 1 / (1 + xp.exp(-x)))


cyclical_tanh_schedule = CyclicalTanhSchedule

"""One fall, to a value that is held or for ever."""

from typing import Any, ClassVar

from log_anneal._core.backend import (
    MAX_STEP,
    MOST_GROWTH,
    Backend,
    Host,
    Number,
    grown,
    known_log,
    log_of,
    log_of_change,
)
from log_anneal._core.fields import duration, number
from log_anneal._core.schedule import Schedule
from log_anneal._curve.phases import phase_table
from log_anneal._curve.shape import Weights, polynomial_decay, rex
from log_anneal._curve.table import Place, Row, Table, locate
from log_anneal._curve.tracks import Curve, Track, log, phases
from log_anneal._schedules.phased import PhasedSchedule
from log_anneal._schedules.stairs import bounded, bounds_of, check_end, first_at_end


class PolynomialSchedule(PhasedSchedule):
    """One fall or rise: `end + (init - end) (1 - step / T) ** power`, `T = decay_steps`.

    The value is `init_value` at step 0 and before, and `end_value` from step `decay_steps` on. A
    power of 1 gives a straight line. If the power is below 1, the slope has no bound at the end;
    the gradient there is 0.

    Args:
      init_value: The first rate, at step 0. From 0 to 1e30.
      end_value: The last rate, at step `decay_steps` and after it. From 0 to 1e30. Above
        `init_value` it makes a rise.
      decay_steps: The length of the fall or rise. Steps, whole or real, at least 1.
      power: The exponent of the part of the way that is left: 1 gives a straight line, 2 a fall
        that slows down towards the end. From 0.01 to 100.

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> schedule = polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=4)
      >>> [schedule.at(step) for step in (0, 1, 4, 5)]
      [1.0, 0.75, 0.0, 0.0]
    """

    name: ClassVar[str] = "polynomial"
    _durations = ("decay_steps",)

    init_value: float = number()
    end_value: float = number()
    decay_steps: float = duration(
        may_be_real=True, way_out="For one value, use `constant_schedule`."
    )
    power: float = number(default=1.0, least=0.01, most=100.0, way_out="1 is a straight line.")

    def _knots(self) -> list[Number]:
        return [self.init_value, self.end_value]

    def _weights(self, place: Place, xp: Backend) -> Weights:
        return polynomial_decay(*place.fractions(), self.power, xp)

    def _shapes(self) -> list[tuple[str, Number]]:
        return [("power", self.power)]


polynomial_schedule = PolynomialSchedule


class RexSchedule(PhasedSchedule):
    """REX, a reflected exponential: `end + (init - end) (1 - z) / (1 - z / 2)`, `z = step / T`.

    The value is `init_value` at step 0 and before, and `end_value` from step `T = decay_steps` on.
    It falls slowly at first, then faster and faster.

    Args:
      init_value: The first rate, at step 0. From 0 to 1e30.
      decay_steps: The length of the fall: the whole budget of training. Steps, whole or real, at
        least 1.
      end_value: The last rate, at step `decay_steps` and after it. From 0 to 1e30.

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> schedule = rex_schedule(init_value=1.0, decay_steps=4)
      >>> [round(schedule.at(step), 3) for step in (0, 1, 2, 3, 4)]
      [1.0, 0.857, 0.667, 0.4, 0.0]

    References:
      Chen, Wolfe and Kyrillidis 2021, arXiv:2107.04197, section 4.
    """

    name: ClassVar[str] = "rex"
    _durations = ("decay_steps",)

    init_value: float = number()
    decay_steps: float = duration(may_be_real=True, way_out="Take the number of steps of the run.")
    end_value: float = number(default=0.0)

    def _knots(self) -> list[Number]:
        return [self.init_value, self.end_value]

    def _weights(self, place: Place, xp: Backend) -> Weights:
        return rex(*place.fractions(), xp)

    def _shapes(self) -> list[tuple[str, Number]]:
        return [("rex", 1.0)]


rex_schedule = RexSchedule


class ExponentialSchedule(Schedule):
    """By equal ratios: `max(init * decay_rate ** (step / decay_steps), end)`.

    The value is `init_value` at step 0 and before. It stays at `end_value` once it is there. With
    an `end_value` of 0 it falls until float32 underflows to 0, with a relative error below 2e-5.

    A `decay_rate` above 1 grows, as in optax: then `end_value` is the highest rate. Without it the
    value grows up to 1e20 times `init_value`, at most 1e30, and is held there.

    Args:
      init_value: The first rate, at step 0. From 0 to 1e30.
      decay_steps: The distance of two rates whose ratio is `decay_rate`. Whole steps, at least 1.
      decay_rate: The ratio of two rates that are `decay_steps` apart. From 1e-30 to 1e20; above 1
        it grows.
      end_value: The lowest rate, at which the decay stops. From 0 to `init_value`. Of a growth it
        is the highest rate, from `init_value` on, and 0 is no bound.

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> schedule = exponential_schedule(init_value=1.0, decay_steps=10, decay_rate=0.25)
      >>> [round(schedule.at(step), 6) for step in (0, 5, 10, 20)]
      [1.0, 0.5, 0.25, 0.0625]
    """

    name: ClassVar[str] = "exponential"

    init_value: float = number()
    decay_steps: int = duration(way_out="Take 1 for a ratio from step to step.")
    decay_rate: float = number(
        least=1e-30, most=MOST_GROWTH, way_out="Take 0.5 to halve it, 2 to double."
    )
    end_value: float = number(default=0.0)

    def _check(self) -> None:
        check_end(self.init_value, self.decay_rate, self.end_value)

    def _derive(self) -> Any:
        known = known_log(self.decay_rate)
        return known.log / self.decay_steps, known

    def value_at(self, step: Number, xp: Backend) -> Number:
        log_ratio, known = self._derived
        # The host's quotient has more digits. It gets the slope of its divisor, and what the rate
        # has changed since.
        log_ratio = xp.with_slope(log_ratio, xp.fixed(known.log) / self.decay_steps)
        log_ratio += log_of_change(self.decay_rate, known, xp) / self.decay_steps
        value = grown(self.init_value, xp.real(step) * log_ratio, xp)
        return bounded(value, self.decay_rate, self.end_value, xp)

    def ends_at(self) -> int | None:
        log_rate = log_of(self.decay_rate, self._derived[1], Host)
        return first_at_end(self, log_rate / self.decay_steps, 1)

    def _tracks(self) -> Track:
        ratio = log(self.decay_rate) / self.decay_steps
        bounds = bounds_of(self.decay_rate, self.end_value)
        falling = Curve("level", self.init_value, 0.0, log_step=ratio, **bounds)
        return Track([Row(0, MAX_STEP)], [falling])


exponential_schedule = ExponentialSchedule


class InverseSqrtSchedule(Schedule):
    """A straight warm-up, then a fall by the root of time: `peak * sqrt(T / (T + t))`.

    Here `t` counts the steps since the warm-up, and `T = timescale_steps`. With the default,
    `warmup_steps`, the fall is the transformer's, `peak * sqrt(warmup_steps / step)`. The schedule
    starts at `init_value`, or without a warm-up at `peak_value`. It has no end.

    Args:
      peak_value: The highest rate: where the warm-up ends and the fall starts. From 0 to 1e30.
      warmup_steps: The length of the warm-up, from `init_value` to `peak_value`. Whole steps, at
        least 0; 0 means no warm-up.
      init_value: The first rate: where the warm-up starts. From 0 to 1e30. Unused without a
        warm-up.
      timescale_steps: The time scale of the fall: the rate has halved three times as many steps
        after the warm-up. Whole steps, at least 1; None means `warmup_steps`, which then must not
        be 0.

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> schedule = inverse_sqrt_schedule(peak_value=1.0, warmup_steps=100)
      >>> [schedule.at(step) for step in (0, 50, 100, 400, 10_000)]
      [0.0, 0.5, 1.0, 0.5, 0.1]

    References:
      Vaswani et al. 2017, arXiv:1706.03762, equation 3.
    """

    name: ClassVar[str] = "inverse_sqrt"

    peak_value: float = number()
    warmup_steps: int = duration(least=0, way_out="0 for no warm-up.")
    init_value: float = number(default=0.0)
    timescale_steps: int | None = duration(default=None, way_out="Take 10,000 for a slow fall.")

    def _check(self) -> None:
        if self.timescale_steps is None and not self.warmup_steps:
            raise ValueError(
                "`timescale_steps` must be given where `warmup_steps` is 0, got None. "
                "Take 10,000 for a slow fall."
            )

    def _resolve(self) -> dict[str, Any]:
        numbers = super()._resolve()
        if self.timescale_steps is None:
            numbers["timescale_steps"] = self.warmup_steps
        return numbers

    def _derive(self) -> Table:
        return phase_table([self.warmup_steps], is_endless=True)

    def value_at(self, step: Number, xp: Backend) -> Number:
        place = locate(self._derived, step, [self.warmup_steps], xp)
        is_warmup = place.row == 0
        progress, remainder = place.fractions()
        rising = remainder * self.init_value + progress * self.peak_value
        fallen = xp.sqrt(self.timescale_steps / (self.timescale_steps + place.since_start))
        return xp.where(is_warmup, rising, self.peak_value * fallen)

    def _tracks(self) -> Track:
        rising = Curve("linear", self.init_value, self.peak_value)
        falling = Curve("inverse_sqrt", self.peak_value, 0.0, self.timescale_steps or 0)
        return phases(self._derived, [rising, falling])


inverse_sqrt_schedule = InverseSqrtSchedule

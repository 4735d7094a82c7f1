"""One cycle, and its momentum."""

from typing import Any, ClassVar, Literal, Self

from log_anneal._core import check
from log_anneal._core.backend import MAX_STEP, Backend, Number
from log_anneal._core.fields import duration, number, option
from log_anneal._curve.shape import Weights, cosine_decay, linear_decay
from log_anneal._curve.table import Place
from log_anneal._schedules.phased import PhasedSchedule


class OneCycleSchedule(PhasedSchedule):
    """One cycle: up to the peak, down again, and with `final_steps` a last decline.

        two phases:    init -> peak over warmup_steps, peak -> end over decay_steps
        three phases:  init -> peak over warmup_steps, peak -> init over decay_steps,
                       init -> end over final_steps

    Each phase is half a cosine wave, or a straight line. The durations may be real numbers: each
    step takes its value from the continuous curve. At step 0 and before, the value is `init_value`,
    or `peak_value` without a warm-up.

    Args:
      peak_value: The highest rate: where the warm-up ends. From 0 to 1e30.
      warmup_steps: The length of the rise, from `init_value` to `peak_value`. Real steps; 0 means
        no warm-up.
      decay_steps: The length of the fall, from `peak_value` to `end_value`, or in three phases back
        to `init_value`. Real steps, above 0.
      init_value: The first rate, at step 0. From 0 to 1e30. None means `peak_value` / 25.
      end_value: The last rate, which is held. From 0 to 1e30. None means `init_value` / 10,000.
      final_steps: The length of the last decline, from `init_value` to `end_value`. Real steps,
        above 0; None means two phases.
      shape: The shape of every phase: "cosine" or "linear".

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> schedule = one_cycle_schedule(peak_value=1.0, warmup_steps=30, decay_steps=70)
      >>> [round(schedule.at(step), 4) for step in (0, 15, 30, 65, 100)]
      [0.04, 0.52, 1.0, 0.5, 0.0]
      >>> schedule.momentum().at(30)
      0.85

    References:
      Smith 2018, arXiv:1803.09820, section 4.1; Smith and Topin 2017, arXiv:1708.07120 (the last
      decline). The defaults are PyTorch's.
    """

    name: ClassVar[str] = "one_cycle"
    _durations = ("warmup_steps", "decay_steps", "final_steps")

    peak_value: float = number()
    warmup_steps: float = duration(is_whole=False, least=0, way_out="Take 30 % of the run.")
    decay_steps: float = duration(is_whole=False, least=-MAX_STEP, way_out="Take 70 % of the run.")
    init_value: float | None = number(default=None, way_out="Leave it out for the peak / 25.")
    end_value: float | None = number(default=None, way_out="Leave it out for almost 0.")
    final_steps: float | None = duration(
        default=None, is_whole=False, least=1e-6, way_out="Leave it out for two phases."
    )
    shape: Literal["cosine", "linear"] = option("cosine", "linear", default="cosine")

    def _check(self) -> None:
        if self.warmup_steps:
            way_out = "Take 30 % of the run, or 0 for no warm-up."
            check.real("warmup_steps", self.warmup_steps, 1e-6, MAX_STEP, way_out)
        way_out = check.longer_than(self.warmup_steps, "the warm-up") or "Take 70 % of the run."
        check.real("decay_steps", self.decay_steps, 1e-6, MAX_STEP, way_out)

    def _resolve(self) -> dict[str, Any]:
        numbers = super()._resolve()
        if self.init_value is None:
            numbers["init_value"] = self.peak_value / 25
        if self.end_value is None:
            numbers["end_value"] = numbers["init_value"] / 10_000
        return numbers

    def _knots(self) -> list[Number]:
        returns = [] if self.final_steps is None else [self.init_value]
        return [self.init_value, self.peak_value, *returns, self.end_value]

    def _weights(self, place: Place, xp: Backend) -> Weights:
        shape = cosine_decay if self.shape == "cosine" else linear_decay
        return shape(*place.fractions(), xp)

    def _shapes(self) -> list[tuple[str, Number]]:
        return [(self.shape, 1.0)] * len(self._lengths())

    def momentum(self, low: float = 0.85, high: float = 0.95) -> Self:
        """Makes the schedule of the momentum, which falls while the rate rises.

        Args:
          low: the momentum at the highest rate, from 0 to `high`.
          high: the momentum at the first and at the last rate.

        Returns:
          A schedule with the same phases: `high`, `low`, `high`.
        """
        check.within("low", check.number("low", low), 0, high, "Change places.")
        return self.replace(peak_value=low, init_value=high, end_value=high)


one_cycle_schedule = OneCycleSchedule

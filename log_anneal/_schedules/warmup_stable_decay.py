"""Warm-up, plateau, cooldown."""

from typing import ClassVar, Literal

from log_anneal._core import check
from log_anneal._core.backend import MAX_STEP, Backend, Number
from log_anneal._core.fields import duration, number, option
from log_anneal._curve.shape import Weights, cosine_decay, linear_decay, one_minus_sqrt
from log_anneal._curve.table import Place
from log_anneal._schedules.phased import PhasedSchedule


class WarmupStableDecaySchedule(PhasedSchedule):
    """Warm-up, a plateau, a cooldown; then the end is held.

    A straight rise from `init_value` to `peak_value`, then `stable_steps` of `peak_value`, then
    `end + (peak - end) w(z)`, where `z` goes from 0 to 1 over `decay_steps`:

        linear  1 - z
        cosine  (1 + cos(pi z)) / 2
        1-sqrt  1 - sqrt(z)

    The value is `init_value` at step 0 and before, or `peak_value` without a warm-up. After the end
    it is `end_value`. The slope of 1-sqrt has no bound at the first step of the cooldown; the
    gradient there is 0.

    Args:
      peak_value: The highest rate, that of the plateau. From 0 to 1e30.
      stable_steps: The length of the plateau. Steps, whole or real, at least 0.
      decay_steps: The length of the cooldown, from `peak_value` to `end_value`. Steps, whole or
        real, at least 1.
      init_value: The first rate: where the warm-up starts. From 0 to 1e30. Unused without a
        warm-up.
      warmup_steps: The length of the warm-up, from `init_value` to `peak_value`. Steps, whole or
        real, at least 0; 0 means no warm-up.
      end_value: The last rate, at which the cooldown ends. It is held. From 0 to 1e30.
      cooldown: The shape of the cooldown: "linear", "cosine" or "1-sqrt".

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> schedule = warmup_stable_decay_schedule(
      ...     peak_value=1.0, warmup_steps=2, stable_steps=4, decay_steps=4, cooldown="1-sqrt")
      >>> [schedule.at(step) for step in (0, 1, 2, 5, 6, 7, 10)]
      [0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]

    References:
      Hu et al. 2024, arXiv:2404.06395 (the schedule); Haegele et al. 2024, arXiv:2405.18392
      (the cooldowns).
    """

    name: ClassVar[str] = "warmup_stable_decay"
    _durations = ("warmup_steps", "stable_steps", "decay_steps")

    peak_value: float = number()
    stable_steps: float = duration(least=0, may_be_real=True, way_out="0 for no plateau.")
    decay_steps: float = duration(least=-MAX_STEP, may_be_real=True)
    init_value: float = number(default=0.0)
    warmup_steps: float = duration(
        default=0, least=0, may_be_real=True, way_out="Leave it out for no warm-up."
    )
    end_value: float = number(default=0.0)
    cooldown: Literal["linear", "cosine", "1-sqrt"] = option(
        "linear", "cosine", "1-sqrt", default="linear"
    )

    def _check(self) -> None:
        before = self.warmup_steps + self.stable_steps
        way_out = check.longer_than(before, "warm-up and plateau")
        way_out = way_out or "Take 1 to be at `end_value` a step later."
        check.real("decay_steps", self.decay_steps, 1, MAX_STEP, way_out)

    def _knots(self) -> list[Number]:
        return [self.init_value, self.peak_value, self.peak_value, self.end_value]

    def _weights(self, place: Place, xp: Backend) -> Weights:
        linear = linear_decay(*place.fractions(), xp)
        if self.cooldown == "linear":
            return linear
        shape = cosine_decay if self.cooldown == "cosine" else one_minus_sqrt
        of_start, of_end = shape(*place.fractions(), xp)
        is_warmup = place.row == 0
        return xp.where(is_warmup, linear[0], of_start), xp.where(is_warmup, linear[1], of_end)

    def _shapes(self) -> list[tuple[str, Number]]:
        return [("linear", 1.0), ("level", 1.0), (self.cooldown, 1.0)]


warmup_stable_decay_schedule = WarmupStableDecaySchedule

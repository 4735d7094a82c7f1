"""Cyclical cosine annealing: SGDR on the cycle of cyclical log annealing."""

from typing import ClassVar

from log_anneal import _shape
from log_anneal._cycle import Place
from log_anneal._cyclical import CyclicalSchedule
from log_anneal._numeric import Namespace, Number


class CyclicalCosineSchedule(CyclicalSchedule):
    """SGDR's cosine on the same cycle; see `cyclical_cosine_schedule`."""

    name: ClassVar[str] = "cyclical_cosine"

    def _weights(self, place: Place, xp: Namespace) -> tuple[Number, Number]:
        return _shape.cosine_decay(place.progress, place.remainder, xp)


def cyclical_cosine_schedule(
    *,
    peak_value: float,
    end_value: float,
    decay_steps: int,
    init_value: float = 0.0,
    warmup_steps: int = 0,
    restart_steps: int | None = None,
    restart_multiplier: float = 1.0,
    restart_value: float | None = None,
) -> CyclicalCosineSchedule:
    """Cosine annealing on the cycle of `cyclical_log_schedule`: they differ in the shape alone.

    In a cycle of `T` steps from `start` to `end`, `t` steps after its start:

        end + (start - end) (1 + cos(pi t / T)) / 2

    What it does at step 0, at a restart, after the end, and which gradients it has: as
    `cyclical_log_schedule` says of its anchored form. Over a long cycle neighbouring steps differ
    by less than float32 can tell: a value may then lie above the one before it by its last digit.

    Args:
      peak_value: from 0 to 1e30.
      end_value: from 0 to 1e30.
      decay_steps: whole steps, at least 1.
      init_value: from 0 to 1e30; unused without a warm-up.
      warmup_steps: whole steps, at least 0.
      restart_steps: whole steps, at least 1; None for no restarts.
      restart_multiplier: from 1e-6 to 1e6, so far from 1 that at most 65,533 cycles start before
        step 2^31, or 1 itself.
      restart_value: from 0 to 1e30; None for `peak_value`.

    Returns:
      A schedule: steps of any shape in, float32 of that shape out.

    Raises:
      ValueError: an argument is out of its range, or the multiplier makes too many cycles.
      TypeError: a duration or the multiplier is traced; the values may be.

    Example:
      >>> schedule = cyclical_cosine_schedule(peak_value=1.0, end_value=0.0, decay_steps=4)
      >>> [round(schedule.at(step), 3) for step in range(6)]
      [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]

    References:
      Loshchilov and Hutter 2016, arXiv:1608.03983, equation 5; Naveen 2024, arXiv:2403.14685,
      equation 3.
    """
    return CyclicalCosineSchedule(
        peak_value=peak_value,
        end_value=end_value,
        decay_steps=decay_steps,
        init_value=init_value,
        warmup_steps=warmup_steps,
        restart_steps=restart_steps,
        restart_multiplier=restart_multiplier,
        restart_value=restart_value,
    )

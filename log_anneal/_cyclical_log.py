"""Cyclical log annealing."""

from typing import Any, ClassVar, Literal

from log_anneal import _check, _shape
from log_anneal._cycle import Place
from log_anneal._cyclical import CyclicalSchedule
from log_anneal._numeric import Namespace, Number

_LEAST_BASE = {"anchored": 1.000001, "equation_4": 1.01}
"""Anchored, a straight line to 1e-7 of its range; equation 4 divides by the logarithm of the base,
and float32 cannot hold a base nearer 1 to enough digits."""

_MOST_BASE = 1e18
"""The gradient squares the base."""


class CyclicalLogSchedule(CyclicalSchedule):
    """Cyclical log annealing; see `cyclical_log_schedule`."""

    name: ClassVar[str] = "cyclical_log"

    base: float | None = None
    """Of the logarithm: near 1 a straight line, large a spike; None for 1 / `end_value`."""
    form: Literal["anchored", "equation_4"] = "anchored"
    """From `peak_value` to `end_value` exactly, or the paper's equation to the letter."""

    def _check(self) -> None:
        super()._check()
        if self.form not in ("anchored", "equation_4"):
            raise ValueError(
                f'`form` must be "anchored" or "equation_4", got {self.form!r}. '
                'Take "anchored" to train, "equation_4" to reproduce the paper.'
            )
        least = _LEAST_BASE[self.form]
        if self.base is None:
            way_out = "The default base is 1 / `end_value`: give `base`, 1000 for example."
            _check.within("end_value", self.end_value, 1 / _MOST_BASE, 1 / least, way_out)
        else:
            way_out = "The smallest is a straight line, a large one a spike; 1000 is in between."
            _check.within("base", self.base, least, _MOST_BASE, way_out)

    def _resolve(self) -> dict[str, Any]:
        numbers = super()._resolve()
        if self.base is None:
            numbers["base"] = 1 / self.end_value
        return numbers

    def _weights(self, place: Place, xp: Namespace) -> tuple[Number, Number]:
        if self.form == "anchored":
            return _shape.log_decay(place.progress, place.remainder, self.base, xp)
        of_start, of_end = _shape.equation_4(place.elapsed + 1, place.length, self.base, xp)
        is_over = place.remainder == 0
        return xp.where(is_over, 0.0, of_start), xp.where(is_over, 1.0, of_end)

    def _value(self, step: Number, xp: Namespace) -> Number:
        value = super()._value(step, xp)
        return xp.abs(value) if self.form == "equation_4" else value


def cyclical_log_schedule(
    *,
    peak_value: float,
    end_value: float,
    decay_steps: int,
    init_value: float = 0.0,
    warmup_steps: int = 0,
    restart_steps: int | None = None,
    restart_multiplier: float = 1.0,
    restart_value: float | None = None,
    base: float | None = None,
    form: Literal["anchored", "equation_4"] = "anchored",
) -> CyclicalLogSchedule:
    """Cyclical log annealing: a fall at a logarithmic pace, and restarts.

    In a cycle of `T` steps from `start` to `end`, `t` steps after its start, `b = base`:

        anchored:    end + (start - end) (1 - log_b(1 + (b - 1) t / T))
        equation_4:  | end + (start - end) (1 + log_b(pi T / (t + 1))) / 2 |

    The anchored form starts each cycle exactly at `start` and meets `end` exactly. The paper's
    equation 4 does neither: for peak 0.1 and end 0.001 a cycle of 10,000 steps falls from 0.125 to
    0.059.

    The cycles are the warm-up, from `init_value` to `peak_value`; the first decay, from there to
    `end_value`; then restarts, from `restart_value` to `end_value`, the n-th of them
    `restart_steps * restart_multiplier ** n` steps long (n = 0, 1, ...).

    - Step 0 and negative steps, anchored: `init_value`, or `peak_value` without a warm-up.
    - A restart, anchored: `restart_value` at its very step. Where a multiplier makes it fall
      between two steps, the later one is the first of the cycle, already that fraction of a step
      into it.
    - A cycle's end, anchored: its last step is one step short of `end_value`, which would be the
      next step.
    - All three in equation 4: what the equation gives for `t` = 0 or `t` = T - 1, and `t` counts
      whole steps. For init 1e-4, 5 steps of warm-up, peak 0.1, end 0.001 and cycles of 10 steps:
      0.0301 at step 0, 0.0752 at step 5 and at a restart, 0.0587 at a cycle's last step.
    - After the end, in both: `end_value`, held, without `restart_steps`, and with a
      `restart_multiplier` below 1 once a cycle would be shorter than one step.
    - Gradients: with respect to every value and `base`; 0 with respect to `restart_multiplier`,
      whose table is made on the host.

    | the paper | here |
    |---|---|
    | eta_max: the optimizer's rate, the initial rate | `peak_value` |
    | eta_min, min_decay_lr | `end_value` |
    | init_decay_epochs | `decay_steps` |
    | warmup_start_lr, warmup_epochs | `init_value`, `warmup_steps` |
    | restart_interval, restart_interval_multiplier | `restart_steps`, `restart_multiplier` |
    | restart_lr | `restart_value` |
    | T_cur, T_i | t + 1, T |

    Where we differ: the paper says that its form needs no care at `T_cur` = 0, yet it divides by
    it, so we count from 1. Its print leaves the base unclear; read as the inverse of the largest
    minimum rate of the parameter groups it is 1 / `end_value` for one group, our default.

    Args:
      peak_value: from 0 to 1e30. It may lie below `end_value`: then the first decay rises.
      end_value: from 0 to 1e30; where `base` is not given, such that 1 / `end_value` is a base.
      decay_steps: whole steps, at least 1.
      init_value: from 0 to 1e30; unused without a warm-up.
      warmup_steps: whole steps, at least 0.
      restart_steps: whole steps, at least 1; None for no restarts.
      restart_multiplier: from 1e-6 to 1e6, any real number, taken as the simplest fraction that is
        the same float (1.1 is 11/10); so far from 1 that at most 65,533 cycles start before step
        2^31 (0.9999 with `restart_steps` of 3910 makes more), or 1 itself.
      restart_value: from 0 to 1e30; None for `peak_value`.
      base: from 1.000001, in equation 4 from 1.01, to 1e18; None for 1 / `end_value`.
      form: "anchored", or "equation_4" to reproduce the paper.

    Returns:
      A schedule: steps of any shape in, float32 of that shape out.

    Raises:
      ValueError: an argument is out of its range, or the multiplier makes too many cycles.
      TypeError: a duration or the multiplier is traced; the values may be.

    Example:
      >>> schedule = cyclical_log_schedule(
      ...     peak_value=0.1, end_value=0.001, decay_steps=10, restart_steps=10,
      ...     restart_multiplier=2.0)
      >>> [round(schedule.at(step), 4) for step in (0, 5, 9, 10, 20, 30, 40)]
      [0.1, 0.0109, 0.0025, 0.1, 0.1, 0.0109, 0.1]

    References:
      Naveen 2024, arXiv:2403.14685, equation 4 (`equation_4`) and section 2.1 (the cycle). The
      cycle is that of CyclicCosineDecayLR (abhuse/cyclic-cosine-decay).
    """
    return CyclicalLogSchedule(
        peak_value=peak_value,
        end_value=end_value,
        decay_steps=decay_steps,
        init_value=init_value,
        warmup_steps=warmup_steps,
        restart_steps=restart_steps,
        restart_multiplier=restart_multiplier,
        restart_value=restart_value,
        base=base,
        form=form,
    )

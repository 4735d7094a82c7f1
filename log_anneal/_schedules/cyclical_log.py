"""Cyclical log annealing."""

from typing import Any, ClassVar, Literal

from log_anneal._core import check
from log_anneal._core.backend import Backend, Number
from log_anneal._core.fields import number, option
from log_anneal._curve.shape import Weights, author_release, equation_4, log_decay
from log_anneal._curve.table import Place
from log_anneal._schedules.cyclical import CyclicalBase

_LEAST_BASE = {"anchored": 1.000001, "equation_4": 1.01, "author_release": 1.000001}
"""The smallest base. In the anchored form it gives a straight line, to 1e-7 of the range. Equation
4 divides by the logarithm of the base, of which float32 has too few digits nearer 1."""

_MOST_BASE = 1e18
"""The largest base, which the gradient squares."""


class CyclicalLogSchedule(CyclicalBase):
    """Cyclical log annealing: a fall at a logarithmic pace, and restarts.

    In a cycle of `T` steps from `start` to `end`, `t` steps after its start, `b = base`:

        anchored:        end + (start - end) (1 - log_b(1 + (b - 1) t / T))
        equation_4:      | end + (start - end) (1 + log_b(pi T / (t + 1))) / 2 |
        author_release:  end + (start - end) (1 - ln(max(1, t)) / ln(T)) / 2

    The anchored form starts each cycle exactly at `start` and meets `end` exactly. The paper's
    equation 4 does neither: for peak 0.1 and end 0.001, a cycle of 10,000 steps falls from 0.125 to
    0.059. The author's released code is a third formula. It starts half-way down.

    First comes the warm-up, from `init_value` to `peak_value`. Then comes the first decay, from
    `peak_value` to `end_value`. Then come the restarts, from `restart_value` to `end_value`. The
    n-th of them is `restart_steps * restart_multiplier ** n` steps long (n = 0, 1, ...). If
    `peak_value` lies below `end_value`, the first decay rises.

    - At step 0 and before, the anchored form is at `init_value`, or at `peak_value` without a
      warm-up.
    - At the step of a restart, the anchored form is at `restart_value * restart_decay ** n`. With
      `restart_warmup_steps` it is at `end_value`, and rises to that value in a straight line. These
      steps are a part of the cycle. A multiplier or a real length may put a restart between
      two steps: then the
      later step is the first of the cycle, and is already a fraction of a step into it.
    - At the last step of a cycle, the anchored form is one step short of `end_value`, which would
      be the value of the next step.
    - At these three places the other forms have what the equation gives for `t` = 0 or `t` = T - 1,
      where `t` counts whole steps. An example of equation 4, with init 1e-4, 5 steps of warm-up,
      peak 0.1, end 0.001 and cycles of 10 steps: 0.0301 at step 0, 0.0752 at step 5 and at a
      restart, 0.0587 at the last step of a cycle.
    - After the end, all forms hold `final_value`. The end is after the first decay without
      `restart_steps`, and after `num_restarts` cycles. With a `restart_multiplier` below 1 it is
      also where a cycle would be shorter than one step.
    - Gradients exist with respect to every value, `base`, the durations and the multiplier. They
      are those of the continuous schedule, and at a restart those from the right. The whole `t`
      that the other forms count has no gradient.

    | the paper | here |
    |---|---|
    | eta_max: the optimizer's rate, the initial rate | `peak_value` |
    | eta_min, min_decay_lr | `end_value` |
    | init_decay_epochs | `decay_steps` |
    | warmup_start_lr, warmup_epochs | `init_value`, `warmup_steps` |
    | restart_interval, restart_interval_multiplier | `restart_steps`, `restart_multiplier` |
    | restart_lr | `restart_value` |
    | T_cur, T_i | t + 1, T |

    We differ in two points. The paper says that its form needs no care at `T_cur` = 0, but it
    divides by it: we count from 1. The print leaves the base unclear. We read it as the inverse of
    the largest minimum rate of the parameter groups. For one group this is 1 / `end_value`, our
    default.

    Args:
      peak_value: The highest rate: where the warm-up ends and each cycle starts. From 0 to 1e30.
      end_value: The lowest rate: where each cycle ends. It is held after the last cycle. From 0
        to 1e30. Where `base` is left out, 1 / `end_value` must be a base.
      decay_steps: The length of the first decay, from `peak_value` to `end_value`. Steps, whole or
        real, at least 0; with 0 the restarts follow the warm-up.
      init_value: The first rate: where the warm-up starts. From 0 to 1e30. Unused without a
        warm-up.
      warmup_steps: The length of the warm-up, from `init_value` to `peak_value`. Steps, whole or
        real, at least 0; 0 means no warm-up.
      warmup_shape: The shape of the warm-up: "same" as the cycles, "linear" or "cosine".
      restart_steps: The length of the first cycle after the first decay. Steps, whole or real, at
        least 1; None means no restarts. If endless cycles have one real length, it is rounded to
        the nearest fraction with a denominator below 65,534.
      restart_multiplier: The length of each later cycle, divided by the length of the cycle before
        it. From 1e-6 to 1e6. Any real number, read as the simplest fraction that is the same
        float: 1.1 is 11/10. At most 65,533 cycles may start before step 2^31: take 1, or a number
        not too near it (0.9999 with `restart_steps` of 3910 makes more).
      restart_value: The rate at which the cycles after the first decay start. From 0 to 1e30. None
        means `peak_value`.
      restart_decay: The height of each restart, divided by the height of the one before it.
        From 1e-6 to 1e6, up to 1e20 times `restart_value` and at most 1e30; None means 1.
      restart_warmup_steps: The length of a straight rise from `end_value`, with which each cycle
        after the first decay begins. Whole steps, fewer than the shortest cycle has; None means no
        rise.
      num_restarts: The number of cycles after the first decay. At least 1; None means no limit.
      final_value: The rate that is held after the last cycle. From 0 to 1e30. None means
        `end_value`.
      base: The base of the logarithm, which says how fast the fall begins: near 1 it is a straight
        line, with a large base a spike. From 1.000001, in equation 4 from 1.01, to 1e18; None
        means 1 / `end_value`. The author's release has no base.
      form: The equation: "anchored" meets both ends of its range exactly; "equation_4" is the
        paper's and "author_release" its author's code, both to reproduce them.

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
      Naveen 2024, arXiv:2403.14685, equation 4 (`equation_4`) and section 2.1 (the cycle);
      PhilipNaveen/Cyclical-Log-Annealing (`author_release`). The cycle is that of
      CyclicCosineDecayLR (abhuse/cyclic-cosine-decay).
    """

    name: ClassVar[str] = "cyclical_log"

    base: float | None = number(
        default=None, way_out="The smallest is a straight line, a large one a spike."
    )
    form: Literal["anchored", "equation_4", "author_release"] = option(
        "anchored",
        "equation_4",
        "author_release",
        default="anchored",
        way_out='Take "anchored" to train, the others to reproduce the paper or its code.',
    )

    def _check(self) -> None:
        super()._check()
        least = _LEAST_BASE[self.form]
        if self.base is not None:
            way_out = "The smallest is a straight line, a large one a spike; 1000 is in between."
            check.within("base", self.base, least, _MOST_BASE, way_out)
        elif self.form != "author_release":
            way_out = "The default base is 1 / `end_value`: give `base`, 1000 for example."
            check.within("end_value", self.end_value, 1 / _MOST_BASE, 1 / least, way_out)

    def _resolve(self) -> dict[str, Any]:
        numbers = super()._resolve()
        if self.form == "author_release":
            numbers["base"] = None
        elif self.base is None:
            numbers["base"] = 1 / self.end_value
        return numbers

    def _weights(self, place: Place, xp: Backend) -> Weights:
        if self.form == "anchored":
            return log_decay(*place.fractions(), self.base, xp)
        if self.form == "equation_4":
            t_cur = xp.real(place.elapsed + 1)
            of_start, of_end = equation_4(t_cur, place.length, self.base, xp)
        else:
            of_start, of_end = author_release(xp.real(place.elapsed), place.length, xp)
        is_over = place.to_end == 0
        return xp.where(is_over, 0.0, of_start), xp.where(is_over, 1.0, of_end)

    def _shape(self) -> tuple[str, Number]:
        if self.form == "author_release":
            return "author_release", 1.0
        return ("log" if self.form == "anchored" else self.form), self.base

    def value_at(self, step: Number, xp: Backend) -> Number:
        value = super().value_at(step, xp)
        return xp.abs(value) if self.form == "equation_4" else value


cyclical_log_schedule = CyclicalLogSchedule

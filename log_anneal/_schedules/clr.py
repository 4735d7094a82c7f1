"""Smith's cyclical learning rates."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from log_anneal._core.backend import Backend, Host, KnownLog, Number, grown, known_log, log_of
from log_anneal._core.check import MAX_VALUE
from log_anneal._core.fields import duration, number, option
from log_anneal._core.schedule import Schedule
from log_anneal._curve.cycle import WARMUP
from log_anneal._curve.shape import cosine_decay
from log_anneal._curve.table import Row, Table, locate, table_of
from log_anneal._curve.tracks import Curve, Track, log, phases


class Derived(NamedTuple):
    """The table of cycles, and the logarithms of the two decays: the host derives them."""

    table: Table
    cycle_decay: KnownLog
    step_decay: KnownLog


class ClrSchedule(Schedule):
    """A rate that swings between two bounds for ever: Smith's cyclical learning rate.

        init + (peak - init) window(x) cycle_decay ** n step_decay ** step

    In the n-th cycle `x` rises from 0 to 1 over `up_steps`, and falls back over `down_steps`:

        triangular  x
        parabolic   1 - (1 - x)^2            Welch's window
        sinusoidal  (1 - cos(pi x)) / 2      Hann's window

    At step 0, before it, and where a cycle starts, the value is `init_value`. There is no end.
    Smith's policies have their own names: `triangular_schedule`, `triangular2_schedule`,
    `exp_range_schedule`, `parabolic_schedule`, `sinusoidal_schedule`, and his control
    `clr_decay_schedule`.

    A decay above 1 lets the range grow, up to 1e20 times itself. The value stays from 0 to 1e30.

    Args:
      init_value: The lower bound, where every cycle starts: Smith's base_lr. From 0 to 1e30.
      peak_value: The upper bound, in the middle of a cycle: Smith's max_lr. From 0 to 1e30. For a
        momentum it lies below the other.
      up_steps: The length of a cycle's rise, from `init_value` to `peak_value`: Smith's step size.
        Whole steps, at least 1.
      down_steps: The length of a cycle's fall, from `peak_value` back to `init_value`. Whole steps,
        at least 1; None means `up_steps`.
      window: The shape of the swing: "triangular", "parabolic" or "sinusoidal".
      cycle_decay: The factor by which each cycle multiplies the range. From 1e-6 to 1e6; above 1
        the range grows.
      step_decay: The factor by which each step multiplies the range. From 1e-6 to 1e6; `stretch(k)`
        takes its k-th root.

    Raises:
      ValueError: an argument is out of its range.

    Example:
      >>> schedule = clr_schedule(init_value=1.0, peak_value=3.0, up_steps=2, cycle_decay=0.5)
      >>> [schedule.at(step) for step in range(8)]
      [1.0, 2.0, 3.0, 2.0, 1.0, 1.5, 2.0, 1.5]

    References:
      Smith 2015, arXiv:1506.01186, section 3.1 and 3.2.
    """

    name: ClassVar[str] = "clr"

    init_value: float = number()
    peak_value: float = number()
    up_steps: int = duration(way_out="Take 2 to 10 epochs.")
    down_steps: int | None = duration(default=None, way_out="Leave it out for `up_steps`.")
    window: Literal["triangular", "parabolic", "sinusoidal"] = option(
        "triangular", "parabolic", "sinusoidal", default="triangular"
    )
    cycle_decay: float = number(
        default=1.0, least=1e-6, most=1e6, way_out="Take 0.5 to halve the range each cycle."
    )
    step_decay: float = number(
        default=1.0,
        least=1e-6,
        most=1e6,
        way_out="Take 0.9999 to shrink the range slowly.",
        is_ratio_per_step=True,
    )

    def _resolve(self) -> dict[str, Any]:
        numbers = super()._resolve()
        if self.down_steps is None:
            numbers["down_steps"] = self.up_steps
        return numbers

    def _check(self) -> None:
        down_steps = self.up_steps if self.down_steps is None else self.down_steps
        if self.up_steps + down_steps >= 2**31:
            raise ValueError(
                "`up_steps` + `down_steps` must be below 2^31, "
                f"got {self.up_steps + down_steps}. Steps are counted in int32: take fewer."
            )

    def _derive(self) -> Derived:
        down_steps = self.up_steps if self.down_steps is None else self.down_steps
        cycle = Row(0, self.up_steps + down_steps, length_slopes=(1.0, 1.0))
        return Derived(table_of([cycle]), known_log(self.cycle_decay), known_log(self.step_decay))

    def value_at(self, step: Number, xp: Backend) -> Number:
        place = locate(self._derived.table, step, (self.up_steps, self.down_steps), xp)
        is_up = place.elapsed < self.up_steps
        x = xp.where(is_up, place.since_start / self.up_steps, place.to_end / self.down_steps)
        if self.window == "parabolic":
            x = x * (2 - x)
        elif self.window == "sinusoidal":
            x = cosine_decay(x, 1 - x, xp)[1]
        log_cycle = log_of(self.cycle_decay, self._derived.cycle_decay, xp)
        log_step = log_of(self.step_decay, self._derived.step_decay, xp)
        shrunk = grown(1.0, xp.real(place.rounds) * log_cycle + xp.real(step) * log_step, xp)
        value = self.init_value + (self.peak_value - self.init_value) * x * shrunk
        return xp.clip(value, 0.0, MAX_VALUE)

    def _tracks(self) -> Track:
        shape = {"triangular": "linear", "sinusoidal": "cosine"}.get(self.window, self.window)
        swing = Curve(
            shape,
            self.peak_value,
            self.init_value,
            rise_steps=self.up_steps,
            rise_shape=shape,
            anchor=self.init_value,
            log_cycle=log(self.cycle_decay),
            log_step=log(self.step_decay),
        )
        return phases(self._derived.table, [swing])

    def restarts_at(self) -> Sequence[int]:
        period = self._derived.table.period[WARMUP]
        return range(period, 2**31, period)

    def _where(self, step: int) -> tuple[int, int, int | None]:
        place = locate(self._derived.table, step, (), Host)
        return place.rounds, place.elapsed, self._derived.table.period[WARMUP]


clr_schedule = ClrSchedule

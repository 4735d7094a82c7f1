"""Warm-up, first decay, restarts: the cycle that every shape shares."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from log_anneal._core import check
from log_anneal._core.backend import Backend, Host, KnownLog, Number, grown, known_log, log_of
from log_anneal._core.fields import count, duration, number, option
from log_anneal._core.schedule import Schedule
from log_anneal._curve.cycle import (
    DECAY,
    RESTART,
    WARMUP,
    check_rise,
    cycle_starts,
    cycle_table,
    multiplier_of,
    repeatable,
    rise_or_fall,
)
from log_anneal._curve.shape import Weights, check_shape, cosine_decay, linear_decay
from log_anneal._curve.table import (
    Place,
    Table,
    Wrap,
    held_from,
    is_known,
    locate,
    read_back,
    real_lengths,
)
from log_anneal._curve.tracks import Track
from log_anneal._schedules.cycle_track import cycle_track


class Derived(NamedTuple):
    """The table of cycles, the logarithm of `restart_decay`, and the wrap of real cycles."""

    table: Table
    restart_decay: KnownLog | None
    wrap: Wrap | None = None


class CyclicalBase(Schedule):
    """The cycle that every shape shares. A subclass defines `weight_at`, the shape.

    Args:
      peak_value: The highest rate: where the warm-up ends and each cycle starts. From 0 to 1e30.
      end_value: The lowest rate: where each cycle ends. It is held after the last cycle. From 0
        to 1e30.
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
        it. From 1e-6 to 1e6.
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
    """

    peak_value: float = number()
    end_value: float = number()
    decay_steps: float = duration(least=0, may_be_real=True)
    init_value: float = number(default=0.0)
    warmup_steps: float = duration(
        default=0, least=0, may_be_real=True, way_out="Leave it out for no warm-up."
    )
    warmup_shape: Literal["same", "linear", "cosine"] = option(
        "same", "linear", "cosine", default="same", way_out='"same" is the shape of the cycles.'
    )
    restart_steps: float | None = duration(
        default=None,
        may_be_real=True,
        way_out="Leave it out to hold `end_value` after the first decay.",
    )
    restart_multiplier: float = number(
        default=1.0,
        least=1e-6,
        most=1e6,
        way_out="Take 1 for cycles of one length, 0.5 to halve each.",
    )
    restart_value: float | None = number(
        default=None, way_out="Leave it out to restart at `peak_value`."
    )
    restart_decay: float | None = number(
        default=None, most=1e6, least=1e-6, way_out="Leave it out for restarts of one height."
    )
    restart_warmup_steps: int | None = duration(
        default=None, way_out="Leave it out for restarts that jump."
    )
    num_restarts: int | None = count(default=None, way_out="Leave it out for endless ones.")
    final_value: float | None = number(default=None, way_out="Leave it out to hold `end_value`.")

    def _check(self) -> None:
        check.known("restart_multiplier", self.restart_multiplier)
        if self.restart_steps is None:
            for name in ("restart_decay", "restart_warmup_steps", "num_restarts"):
                if getattr(self, name) is not None:
                    raise ValueError(
                        f"`restart_steps` must be given with `{name}`, got None. Leave `{name}` out"
                        " for no restarts."
                    )
            if not self.decay_steps:
                way_out = check.longer_than(self.warmup_steps, "the warm-up")
                raise ValueError(
                    "`restart_steps` must be given where `decay_steps` is 0, got None. "
                    f"Give the length of a cycle to one of them. {way_out}".rstrip()
                )
        elif self.restart_warmup_steps is not None:
            lengths = self.restart_steps, self.restart_multiplier, self.num_restarts
            check_rise(self.restart_warmup_steps, *lengths)
        is_endless = self.restart_multiplier == 1 and self.num_restarts is None
        if is_endless and isinstance(self.restart_steps, float):
            object.__setattr__(self, "restart_steps", repeatable(self.restart_steps))

        traced = any(check.is_traced(getattr(self, name)) for name in self._number_names)
        if type(self).weight_at is not CyclicalBase.weight_at and not traced:
            check_shape(self.weight_at)

    def _resolve(self) -> dict[str, Any]:
        numbers = super()._resolve()
        for name in ("restart_steps", "num_restarts"):
            numbers[name] = numbers[name] or 0
        if self.restart_value is None:
            numbers["restart_value"] = self.peak_value
        return numbers

    def _derive(self) -> Derived:
        table, wrap = cycle_table(
            self.warmup_steps,
            self.decay_steps,
            self.restart_steps or 0,
            self.restart_multiplier,
            self.num_restarts,
        )
        decay = None if self.restart_decay is None else known_log(self.restart_decay)
        return Derived(table, decay, wrap)

    def _read_back(self) -> dict[str, Any]:
        table, leaves = self._derived.table, self._numbers
        if not is_known(table):
            return {}
        found = real_lengths(table, _LENGTHS, leaves, self._whole)
        if (multiplier := multiplier_of(table)) is not None:
            found["restart_multiplier"] = read_back(multiplier, leaves["restart_multiplier"])
        return found

    def weight_at(self, progress: Number, xp: Backend) -> Number:
        """Returns the weight of a cycle's start: the shape. A subclass defines it.

        Args:
          progress: from 0, at the start of the cycle, to 1, at its end.
          xp: the functions, as in `value_at`.

        Returns:
          A number that falls from 1, at a progress of 0, to 0, at a progress of 1.
        """
        raise TypeError(
            f"{type(self).__name__} must define `weight_at(progress, xp)`, which falls from 1 to 0 "
            "in a cycle. docs/extending.md has an example."
        )

    def _weights(self, place: Place, xp: Backend) -> Weights:
        """Returns the weights of a cycle's start and end; one of the library's own shapes."""
        is_over = place.to_end == 0  # there the slope of a shape may have no bound
        progress = xp.where(is_over, 0.5, place.fractions()[0])
        of_start = xp.where(is_over, 0.0, xp.real(self.weight_at(progress, xp)))
        return of_start, 1 - of_start

    def value_at(self, step: Number, xp: Backend) -> Number:
        times = self.warmup_steps, self.decay_steps, self.restart_steps, self.restart_multiplier
        place = locate(self._derived.table, step, times, xp, self._derived.wrap)
        is_warmup, is_decay = place.row == WARMUP, place.row == DECAY
        later = xp.where(is_decay, self.peak_value, self._restart_value(place, xp))
        start = xp.where(is_warmup, self.init_value, later)
        end = xp.where(is_warmup, self.peak_value, self._end_value(place, xp))
        shapes = []
        if self.warmup_shape != "same":
            shapes.append((is_warmup, _WARMUP_SHAPES[self.warmup_shape]))
        if self.restart_warmup_steps is not None:
            is_rise, place = rise_or_fall(place, self.restart_warmup_steps, xp)
            start, end = xp.where(is_rise, end, start), xp.where(is_rise, start, end)
            shapes.append((is_rise, linear_decay))
        of_start, of_end = self._weights(place, xp)
        for is_other, shape in shapes:
            other = shape(*place.fractions(), xp)
            of_start = xp.where(is_other, other[0], of_start)
            of_end = xp.where(is_other, other[1], of_end)
        return of_start * start + of_end * end

    def _restart_value(self, place: Place, xp: Backend) -> Number:
        """Returns `restart_value * restart_decay ** n` for the n-th cycle after the first decay."""
        if self.restart_decay is None:
            return self.restart_value
        n = xp.real(xp.maximum(place.row - RESTART + place.rounds, 0))
        log_decay = log_of(self.restart_decay, self._derived.restart_decay, xp)
        return grown(self.restart_value, n * log_decay, xp)

    def _end_value(self, place: Place, xp: Backend) -> Number:
        if self.final_value is None:
            return self.end_value
        return xp.where(place.to_end == 0, self.final_value, self.end_value)

    def _shape(self) -> tuple[str, Number] | None:
        """Returns the shape and its parameter; None for a shape of the user's own."""
        return None

    def _tracks(self) -> Track | None:
        shape = self._shape()
        return None if shape is None else cycle_track(self, shape, *self._derived[::2])

    def restarts_at(self) -> Iterator[int]:
        return self._restarts_from(0)

    def _restarts_from(self, step: int) -> Iterator[int]:
        table = self._derived.table
        begin = 0 if self.decay_steps else int(table.start[RESTART]) + 1
        return cycle_starts(table, self._derived.wrap, max(step, begin))

    def ends_at(self) -> int | None:
        return held_from(self._derived.table)

    def _where(self, step: int) -> tuple[int, int, int | None]:
        table = self._derived.table
        end = held_from(table)
        inside = step if end is None else min(step, end - 1)
        place = locate(table, inside, (), Host, self._derived.wrap)
        n = place.row - RESTART + place.rounds
        if n < 0 or (n == 0 and not self.decay_steps):
            first = DECAY if self.decay_steps else RESTART
            return 0, step, table.start[first] + table.period[first]
        return n + bool(self.decay_steps), place.elapsed + step - inside, table.period[place.row]


_LENGTHS = ("warmup_steps", "decay_steps", "restart_steps")
_WARMUP_SHAPES = {"linear": linear_decay, "cosine": cosine_decay}

"""Warm-up, first decay, restarts: the cycle that every shape shares."""

from typing import Any, ClassVar

from log_anneal import _check
from log_anneal._cycle import DECAY, WARMUP, Cycles, Place, locate, restarts_before, tabulate
from log_anneal._numeric import Namespace, Number
from log_anneal._schedule import Schedule


class CyclicalSchedule(Schedule):
    """The cycle. A subclass gives the shape: the weights of a cycle's start and end values."""

    peak_value: float
    """Where the warm-up ends and the first decay starts."""
    end_value: float
    """Where every cycle ends; held after the last one."""
    decay_steps: int
    """Length of the first decay."""
    init_value: float = 0.0
    """Where the warm-up starts; unused without one."""
    warmup_steps: int = 0
    """Length of the warm-up from `init_value` to `peak_value`; 0 for none."""
    restart_steps: int | None = None
    """Length of the cycle after the first decay; None holds `end_value` instead."""
    restart_multiplier: float = 1.0
    """How many times as long as the cycle before each later one is."""
    restart_value: float | None = None
    """Where the cycles after the first decay start; None for `peak_value`."""

    _ways_out: ClassVar[dict[str, str]] = {
        "decay_steps": "Take 1 to be at `end_value` a step later.",
        "warmup_steps": "Leave it out for no warm-up.",
        "restart_steps": "Leave it out to hold `end_value` after the first decay.",
        "restart_value": "Leave it out to restart at `peak_value`.",
    }

    def _check(self) -> None:
        way_out = "Take 1 for cycles of one length, 0.5 to halve each."
        _check.known("restart_multiplier", self.restart_multiplier)
        _check.within("restart_multiplier", self.restart_multiplier, 1e-6, 1e6, way_out)

    def _resolve(self) -> dict[str, Any]:
        numbers = super()._resolve()
        if self.restart_value is None:
            numbers["restart_value"] = self.peak_value
        return numbers

    def _derive(self) -> Cycles:
        durations = self.warmup_steps, self.decay_steps, self.restart_steps or 0
        return tabulate(*durations, self.restart_multiplier)

    def _weights(self, place: Place, xp: Namespace) -> tuple[Number, Number]:
        raise TypeError(f"{type(self).__name__} does not define `_weights(place, xp)`.")

    def _value(self, step: Number, xp: Namespace) -> Number:
        place = locate(self._derived, step, xp)
        is_warmup, is_decay = place.row == WARMUP, place.row == DECAY
        later = xp.where(is_decay, self.peak_value, self.restart_value)
        start = xp.where(is_warmup, self.init_value, later)
        end = xp.where(is_warmup, self.peak_value, self.end_value)
        of_start, of_end = self._weights(place, xp)
        return of_start * start + of_end * end

    def _restarts(self, num_steps: int) -> list[int]:
        return restarts_before(self._derived, num_steps)

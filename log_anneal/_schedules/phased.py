"""Phases, one after the other, and then the last value held."""

from typing import Any, ClassVar

from log_anneal._core.backend import Backend, Host, Number
from log_anneal._core.schedule import Schedule
from log_anneal._curve.phases import phase_table
from log_anneal._curve.shape import Weights
from log_anneal._curve.table import Place, Table, held_from, is_known, locate, real_lengths
from log_anneal._curve.tracks import Curve, Track, curve, phases


class PhasedSchedule(Schedule):
    """Phases between values. A subclass names their durations, and gives values and shape."""

    _durations: ClassVar[tuple[str, ...]]

    def _lengths(self) -> list[Number]:
        lengths = (getattr(self, name) for name in self._durations)
        return [length for length in lengths if length is not None]

    def _derive(self) -> Table:
        return phase_table(self._lengths())

    def _read_back(self) -> dict[str, Any]:
        if not is_known(self._derived):
            return {}
        there = [name for name in self._durations if self._numbers[name] is not None]
        return real_lengths(self._derived, there, self._numbers, self._whole)

    def _knots(self) -> list[Number]:
        """Returns the values at the ends of the phases: one more than there are phases."""
        raise TypeError(f"{type(self).__name__} does not define `_knots()`.")

    def _weights(self, place: Place, xp: Backend) -> Weights:
        raise TypeError(f"{type(self).__name__} does not define `_weights(place, xp)`.")

    def value_at(self, step: Number, xp: Backend) -> Number:
        place = locate(self._derived, step, () if xp is Host else self._lengths(), xp)
        knots = self._knots()
        column = xp.stack([*knots, knots[-1]])
        of_start, of_end = self._weights(place, xp)
        return of_start * xp.entry(column, place.row) + of_end * xp.entry(column, place.row + 1)

    def ends_at(self) -> int | None:
        return held_from(self._derived)

    def _shapes(self) -> list[tuple[str, Number]]:
        """Returns the shape of each phase, and its parameter."""
        raise TypeError(f"{type(self).__name__} does not define `_shapes()`.")

    def _tracks(self) -> Track:
        knots = self._knots()
        curves = [
            curve(shape, start, end, parameter)
            for (shape, parameter), start, end in zip(
                self._shapes(), knots[:-1], knots[1:], strict=True
            )
        ]
        return phases(self._derived, [*curves, Curve.level(knots[-1])])

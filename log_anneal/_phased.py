"""Phases, one after the other, and then the last value held."""

import math
from collections.abc import Sequence
from typing import ClassVar

from log_anneal._check import simplest_fraction
from log_anneal._numeric import MAX_STEP, Host, Namespace, Number
from log_anneal._schedule import Schedule
from log_anneal._shape import Weights
from log_anneal._table import Place, Row, Table, held_from, locate, tabulated


class PhasedSchedule(Schedule):
    """Phases between values. A subclass names their durations, and gives values and shape."""

    _durations: ClassVar[tuple[str, ...]]

    def _lengths(self) -> list[Number]:
        lengths = (getattr(self, name) for name in self._durations)
        return [length for length in lengths if length is not None]

    def _derive(self) -> Table:
        return tabulate(self._lengths())

    def _knots(self) -> list[Number]:
        """The values at the ends of the phases: one more than there are phases."""
        raise TypeError(f"{type(self).__name__} does not define `_knots()`.")

    def _weights(self, place: Place, xp: Namespace) -> Weights:
        raise TypeError(f"{type(self).__name__} does not define `_weights(place, xp)`.")

    def _value(self, step: Number, xp: Namespace) -> Number:
        place = locate(self._derived, step, () if xp is Host else self._lengths(), xp)
        knots = self._knots()
        column = xp.stack([*knots, knots[-1]])
        of_start, of_end = self._weights(place, xp)
        return of_start * xp.take(column, place.row) + of_end * xp.take(column, place.row + 1)

    def _duration(self) -> int | None:
        return held_from(self._derived)


def tabulate(lengths: Sequence[float], *, is_endless: bool = False) -> Table:
    """A table of phases of these real lengths, then one that holds the end, or that has none."""
    count = len(lengths)
    rows, real_start = [], simplest_fraction(0.0)
    for index, length in enumerate(lengths):
        real_end = real_start + simplest_fraction(float(length))
        start, end = math.ceil(real_start), math.ceil(real_end)
        rows.append(
            Row(
                start,
                end - start,
                lead=float(start - real_start),
                tail=float(real_end - end + 1),
                start_slopes=[float(each < index) for each in range(count)],
                length_slopes=[float(each == index) for each in range(count)],
            )
        )
        real_start = real_end
    start = math.ceil(real_start)
    endless = Row(start, MAX_STEP, start_slopes=[1.0] * count, length_slopes=[0.0] * count)
    return tabulated([*rows, endless if is_endless else Row.hold(start)])

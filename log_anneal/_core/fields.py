"""Functions that declare a field of a schedule, with its kind."""

import dataclasses
from typing import Any

from log_anneal._core.check import MAX_VALUE
from log_anneal._core.duration_kinds import Count, Duration
from log_anneal._core.field_kinds import Function, Kind, Numbers, Option, Real


def _field(kind: Kind, default: Any) -> Any:
    return dataclasses.field(default=default, metadata={"kind": kind})


def number(
    *,
    default: Any = dataclasses.MISSING,
    least: float = 0.0,
    most: float = MAX_VALUE,
    way_out: str = "",
    is_ratio_per_step: bool = False,
) -> Any:
    """Declares a real number from `least` to `most`; with a default of None it may be None.

    `stretch(k)` takes the k-th root of a ratio per step, and leaves other numbers as they are.
    """
    return _field(Real(least, most, way_out, is_ratio_per_step), default)


def duration(
    *,
    default: Any = dataclasses.MISSING,
    least: float = 1,
    way_out: str = "",
    is_whole: bool = True,
    may_be_real: bool = False,
) -> Any:
    """Declares a number of steps; with a default of None it may be None.

    A whole duration is exact. One that may be real too is so where it is whole; a real one has no
    `Steps` on the device, and must be in a table that the host makes.
    """
    return _field(Duration(least, way_out, is_whole, default is None, may_be_real), default)


def count(*, default: Any = dataclasses.MISSING, least: int = 1, way_out: str = "") -> Any:
    """Declares a whole number that `stretch` leaves; with a default of None it may be None."""
    return _field(Count(least, way_out, True, default is None), default)


def option(*words: str, default: Any = dataclasses.MISSING, way_out: str = "") -> Any:
    """Declares a field that is one of these words."""
    return _field(Option(words, way_out), default)


def function(*, default: Any = dataclasses.MISSING, is_of_steps: bool = False) -> Any:
    """Declares a function."""
    return _field(Function(is_of_steps), default)


def numbers(*, default: Any = dataclasses.MISSING, least_length: int = 0) -> Any:
    """Declares a sequence of real numbers."""
    return _field(Numbers(least_length=least_length), default)


def steps(*, default: Any = dataclasses.MISSING) -> Any:
    """Declares a sequence of steps, none before the one that precedes it."""
    return _field(Numbers(is_steps=True, may_fall=False), default)


def durations(*, default: Any = dataclasses.MISSING) -> Any:
    """Declares a sequence of numbers of steps."""
    return _field(Numbers(is_steps=True, least=1), default)

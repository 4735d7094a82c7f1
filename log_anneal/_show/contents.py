"""The contents of a picture, whatever draws it: its steps, points, restarts and names."""

import dataclasses
import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from log_anneal._core.backend import MAX_STEP
from log_anneal._core.schedule import Schedule

AnySchedule: TypeAlias = Schedule | Callable[[Any], Any]
"""One of ours, or any `optax.Schedule`."""

_MAX_MARKS = 100
_MAX_POINTS = 4000
"""More points than a picture has pixels across."""
_CYCLES = 5
"""So many cycles show how they grow, and what comes again."""
_GOLDEN = (5**0.5 - 1) / 2


class Points(NamedTuple):
    """The points of a schedule that are drawn."""

    steps: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


def length(schedules: Sequence[AnySchedule], num_steps: int | None) -> int:
    """Returns how many steps to draw. None means all that each schedule does, or its first cycles.

    Raises:
      ValueError: the number is out of its range, or None with a plain function.
    """
    if num_steps is None:
        return max(map(_length, schedules))
    if not 1 <= num_steps <= MAX_STEP:
        raise ValueError(
            f"`num_steps` must be from 1 to 2^31 - 1, got {num_steps}. Take the length of the run."
        )
    return num_steps


def restarts(schedules: Sequence[AnySchedule], num_steps: int) -> dict[int, list[int]]:
    """Returns each step in [0, num_steps) at which a schedule restarts, and which of them do.

    It returns none if there are more than 100: their marks would hide the curves.
    """
    found: dict[int, list[int]] = {}
    for index, schedule in enumerate(schedules):
        for step in _restarts(schedule, num_steps, _MAX_MARKS):
            found.setdefault(step, []).append(index)
    return dict(sorted(found.items())) if len(found) <= _MAX_MARKS else {}


def curve(schedule: AnySchedule, num_steps: int) -> Points:
    """Takes every step or about 4000, both sides of the restarts, the first and the last."""
    steps = np.arange(min(num_steps, _MAX_POINTS))
    if num_steps > _MAX_POINTS:
        # Points at equal distances would show cycles that are too short to see as slow waves.
        uneven = (steps + steps * _GOLDEN % 1) * (num_steps / _MAX_POINTS)
        starts = np.array(_restarts(schedule, num_steps, _MAX_POINTS // 2), np.int64)
        steps = np.concatenate([uneven.astype(np.int64), starts, starts - 1, [0, num_steps - 1]])
        steps = np.unique(steps.clip(0, num_steps - 1))
    if isinstance(schedule, Schedule):
        return Points(steps, np.asarray(schedule.at(steps)))
    values = np.asarray(jax.vmap(schedule)(jnp.asarray(steps, jnp.int32)), np.float64)
    return Points(steps, np.broadcast_to(values, steps.shape))


def names(schedules: Sequence[AnySchedule]) -> list[str]:
    """Returns the kind of each, and the fields in which those of one kind differ."""
    full = (", ".join([_kind(each), *_differences(each, schedules)]) for each in schedules)
    return [textwrap.shorten(name, 80, placeholder="...") for name in full]


def lowest(curves: Sequence[Points], *, log_scale: bool) -> float:
    """Returns where the axis of values starts: at 0, unless the values would lie flat above."""
    values = np.concatenate([curve.values for curve in curves])
    if log_scale:
        return float(values[values > 0].min(initial=values.max()))
    low, high = float(values.min()), float(values.max())
    return 0.0 if 0 <= low < high / 2 or low == high else low


def _restarts(schedule: AnySchedule, num_steps: int, most: int) -> list[int]:
    if not isinstance(schedule, Schedule):
        return []
    steps = [step for step in schedule.first_restarts(most + 1) if step < num_steps]
    return steps if len(steps) <= most else []


def _length(schedule: AnySchedule) -> int:
    if not isinstance(schedule, Schedule):
        raise ValueError(
            f"`num_steps` must be given for a function, got None with {schedule!r}. "
            "Take the length of the run."
        )
    end, starts = schedule.duration, schedule.first_restarts(_CYCLES)
    durations = sum(_durations(schedule))
    first = max(starts[0] if starts else durations, 1)
    if end and (not starts or end <= 20 * first):
        return min(end + end // 20 + 2, MAX_STEP)
    seen = [start for start in starts if start <= 20 * first]
    return min(seen[-1] if seen else 4 * durations or 100, MAX_STEP)


def _durations(value: object, *, is_duration: bool = False) -> Iterator[int]:
    """Yields every duration of a schedule, and of the schedules that it is made of."""
    if isinstance(value, Schedule):
        for field in dataclasses.fields(value):
            part = getattr(value, field.name)
            yield from _durations(part, is_duration=field.name.endswith("_steps"))
    elif isinstance(value, tuple):
        for part in value:
            yield from _durations(part, is_duration=is_duration)
    elif is_duration and isinstance(value, (int, float)):
        yield max(math.ceil(value), 0)


def _kind(schedule: AnySchedule) -> str:
    name = getattr(schedule, "name", None) or getattr(schedule, "__name__", None)
    return str(name or type(schedule).__name__)


def _differences(schedule: AnySchedule, schedules: Sequence[AnySchedule]) -> list[str]:
    if not isinstance(schedule, Schedule):
        return []
    alike = [other for other in schedules if type(other) is type(schedule)]
    return [
        f"{field.name} {_short(getattr(schedule, field.name))}"
        for field in dataclasses.fields(schedule)
        if len({repr(getattr(other, field.name)) for other in alike}) > 1
        and getattr(schedule, field.name) is not None
    ]


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return textwrap.shorten(str(value), 30, placeholder="...")

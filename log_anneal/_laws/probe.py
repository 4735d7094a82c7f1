"""Where a schedule is looked at, and what it is there."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core.duration_kinds import Duration
from log_anneal._core.field_kinds import Function
from log_anneal._core.schedule import Schedule
from log_anneal._core.steps import MAX_STEP
from log_anneal._core.tree import given

SIZE = 512
"""Of the steps; one size is one program for all schedules of a class and form."""

_LARGE = (2**24, 2**30, MAX_STEP - 9)
"""Float32 holds each whole number up to the first. After it, a step that is not exact shows."""


class Probe:
    """A schedule, some steps, and its values there: on the host, and on the device in each mode."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    @cached_property
    def steps(self) -> Any:
        """int32 [SIZE]: the first steps, those around restarts and ends, large ones, any ones."""
        near = [*self.schedule.first_restarts(24), self.schedule.duration or 0]
        around = {step + by for step in near for by in (-1, 0, 1)}
        large = {first + by for first in _LARGE for by in range(10)}
        some = np.random.default_rng(0)
        spread = {int(2**power) for power in some.uniform(0, 31, 100)}
        anywhere = some.integers(-(2**31), 2**31, 60).tolist()
        found = [*range(120), -1, -7, -(2**31), *sorted(around | large | spread), *anywhere]
        found = [step for step in dict.fromkeys(found) if step <= MAX_STEP]
        return np.resize(np.array(found[:SIZE], np.int64).astype(np.int32), SIZE)

    @cached_property
    def on_host(self) -> Any:
        """float64 [SIZE]."""
        return np.asarray(self.schedule.at(self.steps))

    @cached_property
    def modes(self) -> dict[str, Any]:
        """float32 [SIZE], by mode."""
        return {name: np.asarray(values) for name, values in _modes(self.schedule, self.steps)}

    @cached_property
    def slopes(self) -> dict[str, Any]:
        """float32 [SIZE, ...]: the gradient at each step, by field."""
        slopes = _slopes(self.schedule, self.steps)
        named = jax.tree_util.tree_leaves_with_path(slopes._numbers)
        return {
            ".".join(_name(key) for key in path): np.asarray(slope)
            for path, slope in named
            if slope.dtype == np.float32
        }

    @cached_property
    def scale(self) -> float:
        """The largest value, which says what a small difference is."""
        return float(np.max(np.abs(self.on_host)))


@jax.jit
def _all_modes(schedule: Schedule, steps: jax.Array) -> dict[str, jax.Array]:
    return {
        "a vector of steps": schedule(steps),
        "`vmap`": jax.vmap(schedule)(steps),
        "`scan`": jax.lax.scan(lambda carry, step: (carry, schedule(step)), 0, steps)[1],
    }


def _modes(schedule: Schedule, steps: Any) -> Any:
    return _all_modes(schedule, jnp.asarray(steps)).items()


@jax.jit
def _slopes(schedule: Schedule, steps: jax.Array) -> Any:
    slope = jax.grad(lambda schedule, step: schedule(step), allow_int=True)
    return jax.vmap(slope, (None, 0))(schedule, steps)


def _name(key: Any) -> str:
    return str(getattr(key, "key", getattr(key, "name", key)))


def parts(schedule: Schedule) -> Iterator[Schedule]:
    """Yields a schedule, and those that it is made of."""
    yield schedule
    for value in given(schedule).values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Schedule):
                yield from parts(each)


def durations(schedule: Schedule) -> list[float]:
    """Returns every duration of a schedule and of its parts; 0 for one that is left out."""
    return [
        value or 0
        for part in parts(schedule)
        for name, value in given(part).items()
        if type(part._kinds[name]) is Duration
    ]


def has_functions(schedule: Schedule) -> bool:
    """Tells whether a schedule holds functions, which JSON cannot hold."""
    return any(isinstance(kind, Function) for part in parts(schedule) for kind in _kinds(part))


def _kinds(schedule: Schedule) -> Iterator[Any]:
    return iter(schedule._kinds.values())


def is_of_steps(schedule: Schedule) -> bool:
    """Tells whether a schedule holds a function of the step, which `stretch` cannot change."""
    return any(getattr(kind, "is_of_steps", False) for p in parts(schedule) for kind in _kinds(p))

"""Kinds of fields that hold schedules."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._compose.function import as_schedule
from log_anneal._core import check
from log_anneal._core.field_kinds import Kind
from log_anneal._core.schedule import Schedule
from log_anneal._core.tree import on_device, stack_shape


class Part(Kind):
    """A schedule; a number or a function becomes one."""

    def check(self, name: str, value: Any) -> Schedule:
        return as_schedule(name, value)

    def given(self, value: Any, whole: Any) -> Any:
        return value

    def on_host(self, leaf: Any, whole: Any) -> Any:
        return leaf._on_host

    def on_device(self, leaf: Any, whole: Any) -> Any:
        return on_device(leaf)

    def stretched(self, name: str, value: Any, factor: float) -> Any:
        return value.stretch(factor)

    def stack_shape(self, leaf: Any) -> tuple[int, ...]:
        return stack_shape(leaf) if isinstance(leaf, Schedule) else ()


class Groups(NamedTuple):
    """Schedules, stacked where they have one structure: a thousand of one class make one stack."""

    stacked: tuple[Any, ...]
    """One stack for each structure."""
    group: Any
    """int32 [parts]: the stack that a part is in."""
    index: Any
    """int32 [parts]: the place of a part in its stack."""


class Parts(Kind):
    """Several schedules, in order."""

    def check(self, name: str, value: Any) -> Any:
        if isinstance(value, Groups):
            return _ungrouped(value)
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            raise ValueError(
                f"`{name}` must be a sequence of at least one schedule, got {value!r}. Give a list."
            )
        return tuple(as_schedule(f"{name}[{i}]", each) for i, each in enumerate(value))

    def leaf(self, value: Any) -> Groups:
        members: dict[Any, list[Schedule]] = {}
        places = []
        for part in value:
            leaves, tree = jax.tree.flatten(part)
            alike = members.setdefault((tree, tuple(map(np.shape, leaves))), [])
            places.append((list(members).index((tree, tuple(map(np.shape, leaves)))), len(alike)))
            alike.append(part)
        group, index = np.array(places, np.int32).T
        return Groups(tuple(map(stacked, members.values())), group, index)

    def given(self, value: Any, whole: Any) -> Any:
        return _ungrouped(value) if isinstance(value, Groups) else value

    def on_host(self, leaf: Any, whole: Any) -> Any:
        return [part._on_host for part in _ungrouped(leaf)]

    def stretched(self, name: str, value: Any, factor: float) -> Any:
        if isinstance(value, Groups):
            check.known(name, value.group)
        return tuple(part.stretch(factor) for part in value)

    def stack_shape(self, leaf: Any) -> tuple[int, ...]:
        return np.shape(leaf.group)[:-1] if isinstance(leaf, Groups) else ()


def stacked(schedules: Sequence[Schedule]) -> Any:
    """Stacks schedules: returns one whose leaves have a further dimension, in front."""
    traced = any(map(check.is_traced, jax.tree.leaves(tuple(schedules))))
    return jax.tree.map(lambda *leaves: (jnp if traced else np).stack(leaves), *schedules)


def _ungrouped(groups: Groups) -> Any:
    """Returns the schedules in order, or the groups as they are if their indices are not known."""
    indices = groups.group, groups.index
    if any(map(check.is_traced, indices)) or any(np.ndim(each) != 1 for each in indices):
        return groups
    if any(np.asarray(each).dtype.kind != "i" or np.min(each) < 0 for each in indices):
        return groups
    places = zip(*(np.asarray(each).tolist() for each in indices), strict=True)
    several = groups.stacked
    if not any(map(check.is_traced, jax.tree.leaves(several))):
        several = jax.tree.map(np.asarray, several)  # taking pieces of a device's array is slow
    return tuple(
        jax.tree.map(lambda leaf, index=index: leaf[index, ...], several[group])
        for group, index in places
    )


def schedule() -> Any:
    """Declares a field that holds a schedule."""
    return dataclasses.field(metadata={"kind": Part()})


def schedules() -> Any:
    """Declares a field that holds schedules in order."""
    return dataclasses.field(metadata={"kind": Parts()})

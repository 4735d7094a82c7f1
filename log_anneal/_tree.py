"""A schedule as a pytree, and as the fields that it was built from."""

from typing import TYPE_CHECKING, Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import GetAttrKey

from log_anneal import _check
from log_anneal._kinds import Kind

if TYPE_CHECKING:
    from log_anneal._schedule import Schedule

_S = TypeVar("_S", bound="Schedule")
Structure = tuple[tuple[str, Any], ...]
"""The fields that are no numbers, by name."""


def given(schedule: "Schedule") -> dict[str, Any]:
    """The fields as they were given, as Python values; None where a default is to be resolved."""
    values = {}
    for name, kind in schedule._kinds.items():
        value = getattr(schedule, name)
        values[name] = None if value is None else kind.given(value, schedule._whole.get(name))
    return values


def stretched(schedule: "Schedule", factor: float) -> dict[str, Any]:
    """The fields where every duration is `factor` times as long."""
    return {
        name: None if value is None else schedule._kinds[name].stretched(name, value, factor)
        for name, value in given(schedule).items()
    }


def structure(schedule: "Schedule") -> Structure:
    """What all schedules that share a trace have in common, besides their class."""
    return tuple((name, getattr(schedule, name)) for name in schedule._static_names)


def leaves(schedule: "Schedule", values: dict[str, Any]) -> dict[str, Any]:
    """The fields as pytrees of NumPy's arrays, which Orbax takes; None stays None."""
    return {
        name: None if value is None else schedule._kinds[name].leaf(value)
        for name, value in values.items()
    }


def whole(schedule: "Schedule", values: dict[str, Any]) -> dict[str, Any]:
    """The whole durations in int32: float32 would round those above 2^24."""
    return {
        name: np.asarray(value, np.int32)
        for name, value in values.items()
        if value is not None and schedule._kinds[name].is_whole
    }


def flatten(schedule: "Schedule") -> tuple[Any, Structure]:
    """The numbers, the whole durations, and what is derived from them."""
    children = (*schedule._numbers.values(), schedule._whole, schedule._derived)
    return children, structure(schedule)


def flatten_with_keys(schedule: "Schedule") -> tuple[Any, Structure]:
    """The same, by name."""
    children = schedule._numbers | {"_whole": schedule._whole, "_derived": schedule._derived}
    return [(GetAttrKey(name), child) for name, child in children.items()], structure(schedule)


def unflatten(cls: type[_S], structure: Structure, children: Any) -> _S:
    """Goes round the constructor: JAX unflattens with tracers, and with things that are neither."""
    *numbers, whole, derived = children
    numbers = dict(zip(cls._number_names, numbers, strict=True))
    schedule = object.__new__(cls)
    vars(schedule).update(structure, **numbers, _numbers=numbers, _whole=whole, _derived=derived)
    return schedule


def on_host(schedule: _S) -> _S:
    """The schedule with Python's numbers and lists for leaves."""
    numbers = (
        None if value is None else schedule._kinds[name].on_host(value)
        for name, value in schedule._numbers.items()
    )
    exact = jax.tree.map(Kind().on_host, (schedule._whole, schedule._derived))
    host = unflatten(type(schedule), structure(schedule), (*numbers, *exact))
    vars(host)["_on_host"] = host
    return host


def refuse_stack(schedule: Any) -> None:
    """Refuses schedules that were stacked for `jax.vmap`."""
    shape = stack_shape(schedule)
    if shape:
        raise ValueError(
            f"`schedule` must be a single one, got a stack of shape {shape}. Call "
            "each by `jax.vmap(lambda schedule: schedule(step))(stack)`, or take one by "
            "`jax.tree.map(lambda leaf: leaf[0], stack)`."
        )


def stack_shape(schedule: Any) -> tuple[int, ...]:
    """The dimensions in front of the leaves' own; none, if it is no stack of several."""
    for name, value in schedule._numbers.items():
        shape: tuple[int, ...] = ()
        if value is not None:
            shape = schedule._kinds[name].stack_shape(value)
        if shape:
            return shape
    return ()


def same(mine: Any, theirs: Any) -> bool:
    """Whether two leaves are equal in float32; a traced one is only itself."""
    traced = _check.is_traced(mine) or _check.is_traced(theirs)
    return mine is theirs or (not traced and np.array_equal(_single(mine), _single(theirs)))


def key(leaf: Any) -> Any:
    """A leaf as something to hash: the same for leaves that are the same."""
    return id(leaf) if _check.is_traced(leaf) else tuple(np.ravel(_single(leaf)).tolist())


def _single(leaf: Any) -> Any:
    array = np.asarray(leaf)
    return array.astype(np.float32) if jnp.issubdtype(array.dtype, np.floating) else array

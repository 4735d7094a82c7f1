"""A schedule as a pytree, and as the fields that it was built from."""

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import jax.numpy as jnp
import numpy as np
from jax.tree_util import GetAttrKey

from log_anneal import _check

if TYPE_CHECKING:
    from log_anneal._schedule import Schedule

_S = TypeVar("_S", bound="Schedule")
Structure = tuple[tuple[str, str], ...]
"""The string fields, by name."""


def given(schedule: "Schedule") -> dict[str, Any]:
    """The fields as they were given, as Python values; None where a default is to be resolved."""
    values = {}
    for field in dataclasses.fields(schedule):
        value = _check.plain(getattr(schedule, field.name))
        is_none = field.default is None and field.name.endswith("_steps")
        values[field.name] = None if is_none and isinstance(value, int) and not value else value
    return values


def is_string(field: "dataclasses.Field[Any]") -> bool:
    """Whether a field is a part of the structure."""
    return isinstance(field.default, str)


def structure(schedule: "Schedule") -> Structure:
    """What all schedules that share a trace have in common, besides their class."""
    return tuple((name, getattr(schedule, name)) for name in schedule._string_names)


def leaf(name: str, value: Any) -> Any:
    """A number as NumPy's, which Orbax takes, and which shares a trace with one on the device."""
    dtype = np.int32 if name.endswith("_steps") else np.float64
    return value if _check.is_traced(value) else np.asarray(value, dtype)


def flatten(schedule: "Schedule") -> tuple[Any, Structure]:
    """The resolved numbers, then what is derived from them."""
    return (*schedule._numbers.values(), schedule._derived), structure(schedule)


def flatten_with_keys(schedule: "Schedule") -> tuple[Any, Structure]:
    """The resolved numbers by name, then what is derived from them."""
    children = [*schedule._numbers.items(), ("_derived", schedule._derived)]
    return [(GetAttrKey(name), value) for name, value in children], structure(schedule)


def unflatten(cls: type[_S], structure: Structure, children: Any) -> _S:
    """Goes round the constructor: JAX unflattens with tracers, and with things that are neither."""
    *numbers, derived = children
    numbers = dict(zip(cls._number_names, numbers, strict=True))
    schedule = object.__new__(cls)
    vars(schedule).update(structure, **numbers, _numbers=numbers, _derived=derived)
    return schedule


def refuse_stack(schedule: "Schedule") -> None:
    """Refuses a schedule whose leaves are not scalars."""
    for value in schedule._numbers.values():
        if np.ndim(value):
            raise ValueError(
                f"`schedule` must be a single one, got a stack of shape {np.shape(value)}. Call "
                "each by `jax.vmap(lambda schedule: schedule(step))(stack)`, or take one by "
                "`jax.tree.map(lambda leaf: leaf[0], stack)`."
            )


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

"""A schedule as a pytree, and as the fields that it was built from."""

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

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
        is_none = field.default is None and field.name.endswith("_steps") and value == 0
        values[field.name] = None if is_none else value
    return values


def is_string(field: "dataclasses.Field[Any]") -> bool:
    """Whether a field is a part of the structure."""
    return isinstance(field.default, str)


def structure(schedule: "Schedule") -> Structure:
    """What all schedules that share a trace have in common, besides their class."""
    strings = (field.name for field in dataclasses.fields(schedule) if is_string(field))
    return tuple((name, getattr(schedule, name)) for name in strings)


def flatten_with_keys(schedule: "Schedule") -> tuple[Any, Structure]:
    """The resolved numbers by name, then what is derived from them."""
    children = [*schedule._numbers.items(), ("_derived", schedule._derived)]
    return [(GetAttrKey(name), value) for name, value in children], structure(schedule)


def unflatten(cls: type[_S], structure: Structure, children: Any) -> _S:
    """Goes round the constructor: JAX unflattens with tracers, and with things that are neither."""
    strings = dict(structure)
    names = [field.name for field in dataclasses.fields(cls) if field.name not in strings]
    *numbers, derived = children
    numbers = dict(zip(names, numbers, strict=True))
    schedule = object.__new__(cls)
    vars(schedule).update(strings, **numbers, _numbers=numbers, _derived=derived)
    return schedule


def same(mine: Any, theirs: Any) -> bool:
    """Whether two leaves are equal; a traced one is only itself."""
    traced = _check.is_traced(mine) or _check.is_traced(theirs)
    return mine is theirs or (not traced and np.array_equal(mine, theirs))

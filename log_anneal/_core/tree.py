"""A record as a pytree, and as the fields that it was built from."""

from functools import cached_property
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import GetAttrKey

from log_anneal._core import check
from log_anneal._core.field_kinds import Kind, is_fixed

Structure = tuple[tuple[str, Any], ...]
"""The fields that are not numbers, by name."""


class Tree:
    """The names and leaves that a record holds, besides its fields."""

    _kinds: ClassVar[dict[str, Kind]] = {}
    """The kind of each field, by name."""
    _static_names: ClassVar[tuple[str, ...]]
    """The fields that belong to the tree's structure."""
    _number_names: ClassVar[tuple[str, ...]]
    """The fields that become leaves."""
    _is_transformed: ClassVar[bool] = False
    """True for a record whose fields are leaves, as they came out of a transformation."""

    @cached_property
    def _numbers(self) -> dict[str, Any]:
        """The leaves of those fields, with every None resolved that follows other fields."""
        return leaves(self, self._resolve())

    @cached_property
    def _whole(self) -> dict[str, Any]:
        """The whole durations, in int32."""
        return whole(self, self._resolve())

    @cached_property
    def _derived(self) -> Any:
        """A pytree that the host derived from the fields."""
        return self._derive()

    def _resolve(self) -> dict[str, Any]:
        """Returns the fields that become leaves; a None that is left has no leaf."""
        return {name: getattr(self, name) for name in self._number_names}

    def _derive(self) -> Any:
        """Returns a pytree of NumPy arrays that spares the device what only the host can do."""
        return ()

    def _read_back(self) -> dict[str, Any]:
        """Returns the real numbers that the host made a table of, as the table has them."""
        return {}


DERIVED = ("_numbers", "_whole", "_derived", "_on_host")
"""What a record holds besides its fields; it follows from them."""

_T = TypeVar("_T", bound=Tree)


def given(record: Tree) -> dict[str, Any]:
    """Returns the fields as they were given, as Python values; None is not resolved.

    They are what the record computes with. A duration is the whole number beside its leaf, or real
    as a table has it.
    """
    values, in_table = {}, record._read_back()
    for name, kind in record._kinds.items():
        value = getattr(record, name)
        exact = in_table.get(name, record._whole.get(name))
        values[name] = None if value is None else kind.given(value, exact)
    return values


def stretched(record: Tree, factor: float) -> dict[str, Any]:
    """Returns the fields, every duration multiplied by `factor`."""
    return {
        name: None if value is None else record._kinds[name].stretched(name, value, factor)
        for name, value in given(record).items()
    }


def structure(record: Tree) -> Structure:
    """Returns what all records that share a trace have in common, besides their class."""
    return tuple((name, getattr(record, name)) for name in record._static_names)


def leaves(record: Tree, values: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields as pytrees of NumPy's arrays, which Orbax takes; None stays None."""
    return {
        name: None if value is None else record._kinds[name].leaf(value)
        for name, value in values.items()
    }


def whole(record: Tree, values: dict[str, Any]) -> dict[str, Any]:
    """Returns the whole durations in int32: float32 would round those above 2^24."""
    return {
        name: np.asarray(record._kinds[name].whole(value), np.int32)
        for name, value in values.items()
        if value is not None and record._kinds[name].is_whole
    }


def flatten(record: Tree) -> tuple[Any, Structure]:
    """Returns the numbers in the order of the class, the whole durations, and what is derived."""
    numbers = record._numbers
    ordered = (numbers[name] for name in record._number_names)
    return (*ordered, record._whole, record._derived), structure(record)


def flatten_with_keys(record: Tree) -> tuple[Any, Structure]:
    """Returns the same, by name."""
    children, static = flatten(record)
    names = (*record._number_names, "_whole", "_derived")
    return [(GetAttrKey(name), child) for name, child in zip(names, children, strict=True)], static


def unflatten(cls: type[_T], structure: Structure, children: Any) -> _T:
    """Makes a record without its constructor.

    JAX unflattens with tracers, and with things that are no numbers at all: neither would pass the
    checks.
    """
    *numbers, whole, derived = children
    numbers = dict(zip(cls._number_names, numbers, strict=True))
    record = object.__new__(cls)
    vars(record).update(structure, **numbers, _numbers=numbers, _whole=whole, _derived=derived)
    vars(record)["_is_transformed"] = True
    return record


def state(record: Tree) -> dict[str, Any]:
    """Returns the fields alone, of which the rest follows, or the leaves of a transformed record.

    Everything has its name: what copies or stores a dict may change its order.
    """
    if not record._is_transformed:
        return {name: getattr(record, name) for name in record._kinds}
    leaves = {name: getattr(record, name) for name in ("_numbers", "_whole", "_derived")}
    return dict(structure(record)) | leaves


def is_of_leaves(state: dict[str, Any]) -> bool:
    """Tells whether a state has leaves and no fields besides.

    A pickle of before has both. There the fields are the leaves if they came out of a
    transformation, and otherwise what was given.
    """
    numbers = state.get("_numbers", {})
    return bool(numbers) and all(state.get(name, leaf) is leaf for name, leaf in numbers.items())


def restore(record: Tree, state: dict[str, Any]) -> None:
    """Fills an empty record with the leaves of a state."""
    known = (*record._kinds, "_numbers", "_whole", "_derived")
    fields = state | state["_numbers"]
    vars(record).update({name: fields[name] for name in known}, _is_transformed=True)


def on_host(record: _T) -> _T:
    """Returns the record with Python's numbers and lists for leaves."""
    numbers = (
        None if value is None else record._kinds[name].on_host(value, record._whole.get(name))
        for name, value in record._numbers.items()
    )
    exact = jax.tree.map(lambda leaf: Kind().on_host(leaf, None), (record._whole, record._derived))
    host = unflatten(type(record), structure(record), (*numbers, *exact))
    vars(host)["_on_host"] = host
    return host


def on_device(record: _T) -> _T:
    """Returns the record as an equation on the device takes it: its durations are exact `Steps`."""
    children, static = flatten(record)
    dressed = unflatten(type(record), static, children)
    for name, value in record._numbers.items():
        if value is not None:
            whole = record._whole.get(name)
            vars(dressed)[name] = record._kinds[name].on_device(value, whole)
    return dressed


def refuse_stack(schedule: Any) -> None:
    """Refuses schedules that were stacked for `jax.vmap`."""
    shape = stack_shape(schedule)
    if shape:
        raise ValueError(
            f"`schedule` must be a single one, got a stack of shape {shape}. Call "
            "each by `jax.vmap(lambda schedule: schedule(step))(stack)`, or take one by "
            "`jax.tree.map(lambda leaf: leaf[0], stack)`."
        )


def stack_shape(record: Tree) -> tuple[int, ...]:
    """Returns the dimensions in front of the leaves' own; none if it is a single record."""
    for name, value in record._numbers.items():
        shape: tuple[int, ...] = ()
        if value is not None:
            shape = record._kinds[name].stack_shape(value)
        if shape:
            return shape
    return ()


def facts(record: Tree, *, with_derived: bool = True) -> list[Any]:
    """Returns the leaves that the record computes with: not those that have a slope alone."""
    exact = {**record._read_back(), **record._whole}
    numbers = [
        record._numbers[name] for name in record._number_names if not is_fixed(exact.get(name))
    ]
    found: list[Any] = []
    rest = (record._whole, record._derived if with_derived else ())
    for each in jax.tree.leaves((numbers, rest), is_leaf=lambda node: isinstance(node, Tree)):
        is_part = isinstance(each, Tree)
        found += facts(each, with_derived=with_derived) if is_part else [each]
    return found


def same(mine: Any, theirs: Any) -> bool:
    """Tells whether two leaves are equal in float32. A traced one equals only itself."""
    traced = check.is_traced(mine) or check.is_traced(theirs)
    return mine is theirs or (not traced and np.array_equal(_single(mine), _single(theirs)))


def key(leaf: Any) -> Any:
    """Returns something to hash, which is the same for leaves that are the same."""
    return id(leaf) if check.is_traced(leaf) else tuple(np.ravel(_single(leaf)).tolist())


def _single(leaf: Any) -> Any:
    array = np.asarray(leaf)
    return array.astype(np.float32) if jnp.issubdtype(array.dtype, np.floating) else array

"""The kinds of fields. A kind checks a value, makes its leaf, and writes it."""

import dataclasses
import difflib
import itertools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np

from log_anneal._core import check, written


def is_fixed(exact: Any) -> bool:
    """Tells whether a number has an exact one beside its leaf. Its gradient has none."""
    dtype = getattr(exact, "dtype", None)
    return isinstance(exact, (int, float)) if dtype is None else jnp.issubdtype(dtype, jnp.integer)


class Kind:
    """A kind of field. JAX sees its leaf, or a static value as a part of the structure."""

    is_static = False
    is_whole = False
    ndim = 0

    def check(self, name: str, value: Any) -> Any:
        """Returns the value as the field holds it; raises ValueError or TypeError."""
        return value

    def leaf(self, value: Any) -> Any:
        """Returns a pytree of NumPy arrays, or of tracers, for a checked value."""
        return value

    def whole(self, value: Any) -> Any:
        """Returns the whole number that is kept beside the leaf of a kind that `is_whole`."""
        return value

    def given(self, value: Any, exact: Any) -> Any:
        """Returns what the record computes with: the exact number, or else the field or leaf."""
        return check.plain(exact if is_fixed(exact) else value)

    def stretched(self, name: str, value: Any, factor: float) -> Any:
        """Returns the value, with every duration multiplied by `factor`."""
        return value

    def shown(self, value: Any) -> str:
        """Returns the value as `repr` writes it."""
        return repr(value)

    def on_host(self, leaf: Any, whole: Any) -> Any:
        """Returns the leaf as Python's numbers and lists; a traced one stays as it is."""
        if np.ndim(leaf) and not check.is_traced(leaf):
            return np.asarray(leaf).tolist()
        return check.plain(leaf)

    def on_device(self, leaf: Any, whole: Any) -> Any:
        """Returns the leaf as an equation on the device takes it."""
        return leaf

    def stack_shape(self, leaf: Any) -> tuple[int, ...]:
        """Returns the dimensions in front of the leaf's own; none if it is not a stack."""
        shape: tuple[int, ...] = np.shape(leaf)
        return shape[: max(len(shape) - self.ndim, 0)]


@dataclasses.dataclass(frozen=True)
class Real(Kind):
    """A real number; it may be traced."""

    least: float = 0.0
    most: float = check.MAX_VALUE
    way_out: str = ""
    is_ratio_per_step: bool = False

    def check(self, name: str, value: Any) -> Any:
        value = check.number(name, value)
        if check.is_traced(value):
            return value
        return check.real(name, value, self.least, self.most, self.way_out)

    def leaf(self, value: Any) -> Any:
        return value if check.is_traced(value) else np.asarray(value, np.float64)

    def stretched(self, name: str, value: Any, factor: float) -> Any:
        return value ** (1 / factor) if self.is_ratio_per_step else value


@dataclasses.dataclass(frozen=True)
class Option(Kind):
    """One word of several."""

    words: tuple[str, ...]
    way_out: str = ""
    is_static = True

    def check(self, name: str, value: Any) -> Any:
        if not isinstance(value, str) or value not in self.words:
            known = " or ".join(f'"{word}"' for word in self.words)
            near = difflib.get_close_matches(value, self.words, 1) if isinstance(value, str) else ()
            way_out = f'Did you mean "{near[0]}"?' if near else self.way_out
            raise ValueError(f"`{name}` must be {known}, got {value!r}. {way_out}".strip())
        return value


@dataclasses.dataclass(frozen=True)
class Function(Kind):
    """A function of the user's own; JSON has no place for it."""

    is_of_steps: bool = False
    is_static = True

    def check(self, name: str, value: Any) -> Any:
        if not callable(value):
            raise ValueError(
                f"`{name}` must be a function, got {value!r}. Give one, or a number for a constant."
            )
        return value

    def shown(self, value: Any) -> str:
        return written.call(value)

    def stretched(self, name: str, value: Any, factor: float) -> Any:
        if self.is_of_steps:
            raise TypeError(
                f"`{name}` must be a schedule to be stretched, got the function {value!r}. Make "
                "data of it by `tabulated_schedule(function, num_steps=...)`."
            )
        return value


@dataclasses.dataclass(frozen=True)
class Numbers(Kind):
    """A sequence of numbers: real ones, or whole steps that do not fall."""

    is_steps: bool = False
    may_fall: bool = True
    least: int = 0
    least_length: int = 0
    ndim = 1

    def check(self, name: str, value: Any) -> Any:
        if self.is_steps:
            check.known(name, value)
        is_array = check.is_array(value) and np.ndim(value) == 1 and check.is_real(value)
        is_exact = is_array and (check.is_traced(value) or value.dtype == np.float64)
        values = value if is_exact else check.plain(value)
        if not is_array and (not isinstance(values, Sequence) or isinstance(values, str)):
            raise ValueError(f"`{name}` must be a sequence of numbers, got {value!r}. Give a list.")
        if len(values) < self.least_length:
            raise ValueError(
                f"`{name}` must hold at least {self.least_length}, got {len(values)}. Give more."
            )
        if not self.is_steps:
            real = Real()
            if check.is_traced(values):
                return values
            if is_array and np.all((real.least <= value) & (value <= real.most)):
                return tuple(map(float, values))
            return tuple(real.check(f"{name}[{i}]", each) for i, each in enumerate(values))
        whole = tuple(
            check.steps(f"{name}[{i}]", each, self.least) for i, each in enumerate(values)
        )
        for before, after in pairwise(whole):
            if after < before and not self.may_fall:
                raise ValueError(f"`{name}` must not fall, got {after} after {before}. Sort it.")
        return whole

    def leaf(self, value: Any) -> Any:
        if check.is_traced(value):
            return value
        if not self.is_steps and any(map(check.is_traced, value)):
            return jnp.stack([jnp.asarray(each, jnp.float32) for each in value])
        return np.asarray(value, np.int32 if self.is_steps else np.float64)

    def given(self, value: Any, exact: Any) -> Any:
        values = check.plain(value)
        return tuple(values) if isinstance(values, list) else values

    def stretched(self, name: str, value: Any, factor: float) -> Any:
        if not self.is_steps:
            return value
        ends = value if not self.may_fall else itertools.accumulate(value)
        steps = [check.first_step(check.stretched(name, each, factor)) for each in ends]
        if not self.may_fall:
            return tuple(steps)
        return tuple(after - before for before, after in pairwise([0, *steps]))


def kind(field: "dataclasses.Field[Any]") -> Kind:
    """Returns the kind that a field was declared with."""
    declared = field.metadata.get("kind")
    if not isinstance(declared, Kind):
        raise TypeError(
            f"`{field.name}` must be declared with a kind, got a bare field. Write `number()`, "
            "`duration()`, `option()`, `numbers()` or `function()` as its default."
        )
    return declared

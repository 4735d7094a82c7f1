"""Schedule: a frozen dataclass, a pytree and a function of the step."""

import dataclasses
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, ClassVar, Self, dataclass_transform, overload

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax

from log_anneal import _check, _tree
from log_anneal._cycle import simplest_fraction
from log_anneal._numeric import MAX_STEP, Device, Host, Namespace, Number

SCHEDULES: dict[str, type["Schedule"]] = {}
"""Every class of schedule, by its name in JSON."""


@dataclass_transform(eq_default=False, frozen_default=True, kw_only_default=True)
class Schedule:
    """A learning rate, or any hyperparameter, as a function of the step and of its fields.

    A subclass becomes a frozen, keyword-only dataclass. A field whose default is a string belongs
    to the tree's structure; one whose name ends in `_steps` is a duration, a whole number of steps,
    at least 1 unless its default is 0; any other is a number. None is a default that follows the
    other fields.

    As a pytree, its leaves are the numbers with every None resolved, then what was derived from
    them on the host: all schedules of a class have one structure, and share one trace. Change a
    field by `dataclasses.replace`, which derives anew.
    """

    name: ClassVar[str]
    """The factory is `<name>_schedule`."""

    __dataclass_fields__: ClassVar[dict[str, "dataclasses.Field[Any]"]]
    _ways_out: ClassVar[dict[str, str]] = {}
    _numbers: dict[str, Any]
    _derived: Any

    def __init_subclass__(cls) -> None:
        """Makes the subclass a dataclass and a pytree."""
        dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)
        jax.tree_util.register_pytree_with_keys(
            cls, _tree.flatten_with_keys, partial(_tree.unflatten, cls)
        )
        if "name" in vars(cls):
            SCHEDULES[cls.name] = cls

    def __post_init__(self) -> None:
        """Checks the fields, and derives what is derived; no work on a device."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not _tree.is_string(field) and not (value is None and field.default is None):
                object.__setattr__(self, field.name, self._checked(field, value))
        self._check()
        object.__setattr__(self, "_numbers", self._resolve())
        object.__setattr__(self, "_derived", self._derive())

    def _checked(self, field: "dataclasses.Field[Any]", value: Any) -> Any:
        way_out = self._ways_out.get(field.name, "")
        if not field.name.endswith("_steps"):
            return _check.real(field.name, value, way_out)
        if field.default is None and hasattr(value, "dtype") and value == 0:
            return None  # A leaf cannot be None: there it is an array of 0.
        return _check.steps(field.name, value, 0 if field.default == 0 else 1, way_out)

    def _check(self) -> None:
        """Refuses fields that do not go together."""

    def _resolve(self) -> dict[str, Any]:
        """The fields that become leaves, none of them None; a duration of None is 0."""
        strings = dict(_tree.structure(self))
        return {
            name: np.int32(value or 0) if name.endswith("_steps") else value
            for name, value in _tree.given(self).items()
            if name not in strings
        }

    def _derive(self) -> Any:
        """A pytree of NumPy arrays that spares the device what only the host can do."""
        return ()

    def _value(self, step: Number, xp: Namespace) -> Number:
        """The value at a step in [0, 2^31 - 1]; the fields are resolved, and of xp's kind."""
        raise TypeError(f"{type(self).__name__} does not define `_value(step, xp)`.")

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        """The value at each step, on the device.

        Args:
          step: whole numbers of any integer dtype and any shape. Below 0 counts as 0, above
            2^31 - 1 as 2^31 - 1.

        Returns:
          float32, never weakly typed, of the step's shape.

        Raises:
          TypeError: the steps are not whole numbers.
        """
        steps = step if isinstance(step, jax.Array) else np.asarray(step)
        if not jnp.issubdtype(steps.dtype, jnp.integer):
            raise _not_whole(step)
        if isinstance(steps, np.ndarray):  # 64 bits would not reach the device
            steps = np.clip(steps, 0, MAX_STEP).astype(np.int32)
        # Inside another function the fields may stay constants; outside, one program is quicker.
        return (_evaluate if _check.is_traced(steps) else _evaluate_jitted)(self, steps)

    @overload
    def at(self, step: int) -> float: ...
    @overload
    def at(self, step: npt.ArrayLike) -> float | npt.NDArray[np.float64]: ...
    def at(self, step: npt.ArrayLike) -> float | npt.NDArray[np.float64]:
        """The value at each step in float64, on the host, without JAX.

        Args:
          step: a whole number, or an array of them of any shape.

        Returns:
          A Python float for one step, float64 of the steps' shape for an array.

        Raises:
          TypeError: the steps are not whole numbers.
        """
        if isinstance(step, int):
            value: float = self._on_host._value(min(max(step, 0), MAX_STEP), Host)
            return value
        steps = np.asarray(step)
        if not np.issubdtype(steps.dtype, np.integer):
            raise _not_whole(step)
        values = np.array([self.at(each) for each in steps.ravel().tolist()], np.float64)
        return values.reshape(steps.shape) if steps.ndim else float(values[0])

    @cached_property
    def _on_host(self) -> Self:
        numbers = (np.asarray(number).item() for number in self._numbers.values())
        derived = jax.tree.map(lambda column: np.asarray(column).tolist(), self._derived)
        return _tree.unflatten(type(self), _tree.structure(self), (*numbers, derived))

    def restarts(self, num_steps: int) -> list[int]:
        """The steps in [0, num_steps) at which the schedule starts again, in order."""
        return []

    def stretch(self, factor: float) -> Self:
        """The same schedule with every duration multiplied: epochs in, steps out.

        Args:
          factor: above 0, for example the number of steps in an epoch.

        Raises:
          ValueError: a duration is not a whole number of steps afterwards.
        """
        if not 0 < factor <= MAX_STEP:
            raise ValueError(f"`factor` must be above 0 and below 2^31, got {factor}.")
        exact = factor if isinstance(factor, int) else simplest_fraction(float(factor))
        stretched = {
            name: steps * Fraction(exact)
            for name, steps in _tree.given(self).items()
            if name.endswith("_steps") and steps is not None
        }
        for name, steps in stretched.items():
            if steps.denominator != 1:
                raise ValueError(
                    f"`{name}` must stay a whole number of steps, got {float(steps)} by "
                    f"`stretch({factor})`. Take a factor that divides it."
                )
        whole = {name: int(steps) for name, steps in stretched.items()}
        return dataclasses.replace(self, **whole)

    def __eq__(self, other: object) -> bool:
        """Whether class, strings and resolved numbers are equal; traced ones only to themselves."""
        if type(self) is not type(other) or _tree.structure(self) != _tree.structure(other):
            return False
        leaves = zip(jax.tree.leaves(self), jax.tree.leaves(other), strict=True)
        return all(_tree.same(mine, theirs) for mine, theirs in leaves)

    def __hash__(self) -> int:
        """Equal schedules have equal hashes."""
        numbers = (tuple(np.ravel(value).tolist()) for value in self._numbers.values())
        return hash((type(self), _tree.structure(self), *numbers))

    def __repr__(self) -> str:
        """The call of the factory that makes an equal schedule."""
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        arguments = (
            f"{name}={value!r}"
            for name, value in _tree.given(self).items()
            if _check.is_traced(value) or np.ndim(value) or value != defaults[name]
        )
        return f"{self.name}_schedule({', '.join(arguments)})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the fields as they were given."""
        return partial(type(self), **_tree.given(self)), ()


def _evaluate(schedule: Schedule, steps: jax.Array) -> jax.Array:
    steps = jnp.maximum(steps, 0)
    if steps.dtype.itemsize > 4 or steps.dtype == jnp.uint32:
        steps = jnp.minimum(steps, MAX_STEP)
    steps = steps.astype(jnp.int32)
    fields = jax.tree.map(_on_device, schedule)
    vars(fields)["_derived"] = jax.tree.map(_without_gradient, fields._derived)
    return jnp.broadcast_to(fields._value(steps, Device), steps.shape)


_evaluate_jitted = jax.jit(_evaluate)


def _on_device(leaf: Any) -> jax.Array:
    is_whole = jnp.issubdtype(jnp.result_type(leaf), jnp.integer)
    return jnp.asarray(leaf, jnp.int32 if is_whole else jnp.float32)


def _without_gradient(leaf: jax.Array) -> jax.Array:
    return lax.stop_gradient(leaf) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf


def _not_whole(step: Any) -> TypeError:
    return TypeError(
        f"`step` must be a whole number, got {step!r}. To count in epochs, build the schedule in "
        "epochs and take `.stretch(steps_per_epoch)`."
    )

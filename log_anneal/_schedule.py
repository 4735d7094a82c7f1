"""Schedule: a frozen dataclass, a pytree and a function of the step."""

import dataclasses
from functools import cached_property, partial
from types import NoneType
from typing import Any, ClassVar, Self, dataclass_transform, overload

import jax
import numpy as np
import numpy.typing as npt

from log_anneal import _check, _tree, fields
from log_anneal._evaluate import evaluate, not_whole
from log_anneal._kinds import Kind, kind
from log_anneal._numeric import MAX_STEP, Host, Namespace, Number
from log_anneal._operators import Operators
from log_anneal._timeline import Timeline

SCHEDULES: dict[str, type["Schedule"]] = {}
"""Every class of schedule, by its name in JSON."""


@dataclass_transform(
    eq_default=False,
    frozen_default=True,
    kw_only_default=True,
    field_specifiers=(
        fields.count,
        fields.duration,
        fields.durations,
        fields.function,
        fields.number,
        fields.numbers,
        fields.option,
        fields.steps,
    ),
)
class Schedule(Timeline, Operators):
    """A learning rate, or any hyperparameter, as a function of the step and of its fields.

    A subclass becomes a frozen, keyword-only dataclass, whose fields are declared with their kinds:
    `number()`, `duration()`, `option()`, ... None is a default that follows the other fields, or
    says that a part is not there.

    As a pytree, its leaves are the numbers as NumPy arrays, with every None resolved that follows
    other fields, then what was derived from them on the host. All schedules of a class and form
    (its options, and which of its parts are there) have one structure, and share one trace if what
    is derived has one size: always, but for multipliers so near 1 that a table of 512 cycles may
    not hold them (`_cycle.tabulate`).

    Change a field by `schedule.replace(...)`, which derives anew. One that came out of a
    transformation or `jax.tree.map` holds the resolved numbers: its None defaults no longer follow
    the other fields, and have slopes of their own in a gradient. A duration's leaf is real, so that
    `jax.grad` with respect to a schedule has the slopes of durations too; where the steps of a
    schedule lie follows from the whole durations beside it, which are exact in int32.
    """

    name: ClassVar[str]
    """The factory is `<name>_schedule`."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    _defined_as: ClassVar[tuple[str, str]]
    _kinds: ClassVar[dict[str, Kind]] = {}
    _static_names: ClassVar[tuple[str, ...]]
    _number_names: ClassVar[tuple[str, ...]]
    _numbers: dict[str, Any]
    _whole: dict[str, Any]
    _derived: Any

    def __init_subclass__(cls) -> None:
        """Makes the subclass a dataclass and a pytree; refuses a name that another class has."""
        dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)
        cls._kinds = {field.name: kind(field) for field in dataclasses.fields(cls)}
        cls._static_names = tuple(name for name, each in cls._kinds.items() if each.is_static)
        cls._number_names = tuple(name for name, each in cls._kinds.items() if not each.is_static)
        cls._defined_as = cls.__module__, cls.__qualname__
        if "name" in vars(cls):
            other = SCHEDULES.get(cls.name, cls)
            if other._defined_as != cls._defined_as:
                raise ValueError(
                    f"`name` must be a new one, got {cls.name!r}, which {other.__qualname__} has. "
                    f"Give {cls.__qualname__} another."
                )
            SCHEDULES[cls.name] = cls
        jax.tree_util.register_pytree_with_keys(
            cls, _tree.flatten_with_keys, partial(_tree.unflatten, cls), _tree.flatten
        )

    def __post_init__(self) -> None:
        """Checks the fields, and derives what is derived; no work on a device."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not (value is None and field.default is None):
                value = self._kinds[field.name].check(field.name, value)
                object.__setattr__(self, field.name, value)
        self._check()
        resolved = self._resolve()
        object.__setattr__(self, "_numbers", _tree.leaves(self, resolved))
        object.__setattr__(self, "_whole", _tree.whole(self, resolved))
        object.__setattr__(self, "_derived", self._derive())

    def _check(self) -> None:
        """Refuses fields that do not go together."""

    def _resolve(self) -> dict[str, Any]:
        """The fields that become leaves; a None that is left has no leaf."""
        return {name: getattr(self, name) for name in self._number_names}

    def _derive(self) -> Any:
        """A pytree of NumPy arrays that spares the device what only the host can do."""
        return ()

    def _value(self, step: Number, xp: Namespace) -> Number:
        """The value at a step in [0, 2^31 - 1]; the leaves are resolved, and of xp's kind.

        A duration's field is real and has a gradient; `self._whole` has the whole number.
        """
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
          ValueError: it is a stack of schedules; `jax.vmap` calls each of them.
        """
        _tree.refuse_stack(self)
        return evaluate(self, step)

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
          ValueError: it is a stack of schedules.
        """
        value: float
        if type(step) is int and 0 <= step <= MAX_STEP:
            value = self._on_host._value(step, Host)
            return value
        if isinstance(step, (int, np.integer)) and not isinstance(step, bool):
            value = self._on_host._value(min(max(int(step), 0), MAX_STEP), Host)
            return value
        steps = np.asarray(step)
        if not np.issubdtype(steps.dtype, np.integer):
            raise not_whole(step)
        values = np.array([self.at(each) for each in steps.ravel().tolist()], np.float64)
        return values.reshape(steps.shape) if steps.ndim else float(values[0])

    @cached_property
    def _on_host(self) -> Self:
        _tree.refuse_stack(self)
        return _tree.on_host(self)

    def stretch(self, factor: float) -> Self:
        """The same schedule with every duration multiplied: epochs in, steps out.

        Args:
          factor: above 0, for example the number of steps in an epoch.

        Returns:
          A new schedule; its values and its multiplier are the same.

        Raises:
          ValueError: `factor` is no number above 0, or a duration is not a whole number of steps
            below 2^31 afterwards.
          TypeError: `factor` or a duration is traced, or a part is a plain function.

        Example:
          >>> from log_anneal import step_decay_schedule
          >>> step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.1).stretch(391)
          step_decay_schedule(init_value=0.1, decay_steps=11730, decay_rate=0.1)
        """
        _check.known("factor", factor)
        factor = _check.number("factor", factor)
        if not 0 < factor <= MAX_STEP:
            raise ValueError(
                f"`factor` must be above 0 and below 2^31, got {_check.shown(factor)}. "
                "Take the number of steps in an epoch, for example."
            )
        return self.replace(**_tree.stretched(self, float(factor)))

    def replace(self, **changes: Any) -> Self:
        """The same schedule with other values of some fields, checked and derived anew.

        Args:
          **changes: by the names of the fields.

        Returns:
          A new schedule. Of one that came out of a transformation, the other fields are the
          numbers that it holds: its whole durations, and the defaults as they were resolved.
        """
        return type(self)(**(_tree.given(self) | changes))

    __replace__ = replace

    def __eq__(self, other: object) -> bool:
        """Whether class, strings and resolved numbers are the same, the numbers in float32.

        So a schedule equals itself on the device. A traced number is the same as itself alone.
        """
        if type(self) is not type(other):
            return False
        my_tree: Any = jax.tree.structure(self)
        if my_tree != jax.tree.structure(other):
            return False
        return all(map(_tree.same, jax.tree.leaves(self), jax.tree.leaves(other)))

    def __hash__(self) -> int:
        """Equal schedules have equal hashes."""
        numbers = (_tree.key(value) for value in jax.tree.leaves(self._numbers))
        return hash((type(self), _tree.structure(self), *numbers))

    def __repr__(self) -> str:
        """The call that makes an equal schedule: of the factory, or of a class without one."""
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        arguments = (
            f"{name}={self._kinds[name].shown(value)}"
            for name, value in _tree.given(self).items()
            if not isinstance(value, (int, float, str, NoneType)) or value != defaults[name]
        )
        maker = f"{self.name}_schedule" if is_registered(type(self)) else type(self).__name__
        return f"{maker}({', '.join(arguments)})"

    def __getstate__(self) -> dict[str, Any]:
        """Pickles what it holds, traced or stacked numbers too, but for what `at` has cached."""
        return {name: value for name, value in vars(self).items() if name != "_on_host"}


def is_registered(cls: type[Schedule]) -> bool:
    """Whether a class has a name of its own in JSON."""
    return SCHEDULES.get(getattr(cls, "name", "")) is cls

"""A record: a frozen dataclass that is a pytree, that compares, prints, pickles and stretches."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial, wraps
from types import NoneType
from typing import Any, ClassVar, Self
from weakref import WeakSet

import jax

from log_anneal._core import check, tree
from log_anneal._core.field_kinds import kind
from log_anneal._core.misnamed import misnamed
from log_anneal._core.steps import MAX_STEP


class Registry(dict[str, type["Record"]]):
    """Classes by their names in JSON, with those that got a name after they were made.

    Cloudpickle, which notebooks and clusters use, makes a class first and then gives it what its
    body had, its name too.
    """

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._with_late_ones()

    def __missing__(self, name: str) -> type["Record"]:
        return self._with_late_ones()[name]

    def _with_late_ones(self) -> dict[str, type["Record"]]:
        """Enters them, and returns the names as an ordinary dict."""
        for cls in _below(Record):
            if cls not in _DECLARED and "name" in vars(cls):
                _DECLARED.add(cls)
                self.setdefault(cls.name, cls)
        return dict(self)


SCHEDULES = Registry()
"""Every class of schedule, by its name in JSON."""

_DECLARED: WeakSet[type["Record"]] = WeakSet()
"""The classes whose names have been entered."""


class Record(tree.Tree):
    """A schedule without its value: fields that are checked, compared, printed and stretched."""

    name: ClassVar[str]
    """The name in JSON. The factory is `<name>_schedule`."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    _defined_as: ClassVar[tuple[str, str]]

    def __post_init__(self) -> None:
        """Checks the fields, and derives what is derived; this does no work on a device."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not (value is None and field.default is None):
                value = self._kinds[field.name].check(field.name, value)
                object.__setattr__(self, field.name, value)
        self._check()
        tree.flatten(self)  # derives everything, so that an error comes here

    def _check(self) -> None:
        """Refuses fields that do not go together."""

    def stretch(self, factor: float) -> Self:
        """Multiplies every duration: epochs in, steps out.

        Any real factor will do: 390.625 steps in an epoch. A boundary (the end of a warm-up, a
        restart, a milestone, the start of a part) is then at the first whole step at or after the
        real one. It is counted from step 0, so that no error adds up. Where cycles, phases or parts
        follow one another, each real length is kept. A kind whose one duration repeats by itself (a
        stair, a turn of a loop, Smith's cycle, the distance of two values in a table) rounds that
        duration up once. A product within 1e-9 of a whole number is that number.

        Args:
          factor: above 0, for example the number of steps in an epoch.

        Returns:
          A new schedule; its values and its multiplier are the same.

        Raises:
          ValueError: `factor` is no number above 0, or a duration is too short or 2^31 steps or
            more afterwards.
          TypeError: `factor` or a duration is traced, or a part is a plain function.

        Example:
          >>> from log_anneal import step_decay_schedule
          >>> step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.1).stretch(391)
          step_decay_schedule(init_value=0.1, decay_steps=11730, decay_rate=0.1)
        """
        check.known("factor", factor)
        factor = check.number("factor", factor)
        if not 0 < factor <= MAX_STEP:
            raise ValueError(
                f"`factor` must be above 0 and below 2^31, got {check.shown(factor)}. "
                "Take the number of steps in an epoch, for example."
            )
        return self.replace(**tree.stretched(self, float(factor)))

    def replace(self, **changes: Any) -> Self:
        """Changes the values of some fields; all are checked and derived anew.

        Args:
          **changes: the new values, by the names of the fields.

        Returns:
          A new schedule. If this one came out of a transformation, the other fields are the numbers
          that it holds: its whole durations, and the defaults as they were resolved.

        Raises:
          TypeError: there is no such field, or a field that the table is made of is traced.
          ValueError: a value is out of its range.
        """
        return type(self)(**(tree.given(self) | changes))

    __replace__ = replace

    def __eq__(self, other: object) -> bool:
        """Tells whether class, strings and resolved numbers are the same, the numbers in float32.

        So a schedule equals itself on the device. A traced number equals only itself.
        """
        if type(self) is not type(other):
            return False
        my_tree: Any = jax.tree.structure(self)
        if my_tree != jax.tree.structure(other):
            return False
        mine, theirs = tree.facts(self), tree.facts(other)
        return len(mine) == len(theirs) and all(map(tree.same, mine, theirs))

    def __hash__(self) -> int:
        """Returns the same for equal schedules."""
        numbers = map(tree.key, tree.facts(self, with_derived=False))
        return hash((type(self), tree.structure(self), *numbers))

    def __repr__(self) -> str:
        """Returns the call that makes an equal schedule: of the factory, or else of the class."""
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        arguments = (
            f"{name}={self._kinds[name].shown(value)}"
            for name, value in tree.given(self).items()
            if not isinstance(value, (int, float, str, NoneType)) or value != defaults[name]
        )
        maker = _maker(type(self))
        return f"{maker}({', '.join(arguments)})"

    def __getstate__(self) -> dict[str, Any]:
        """Returns what a copy or a pickle keeps: the fields as they were given, and no more.

        A schedule that came out of a transformation keeps its leaves, each by its name: they may be
        traced or stacked, which the constructor would not take.
        """
        return tree.state(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Builds the schedule from its fields, and derives the rest anew."""
        if tree.is_of_leaves(state):
            tree.restore(self, state)
        else:
            fields = {name: value for name, value in state.items() if name not in tree.DERIVED}
            type(self).__init__(self, **fields)


def declare(cls: type[Record]) -> None:
    """Makes a class a frozen dataclass and a pytree, and enters its name.

    Raises:
      ValueError: another class has the name.
      TypeError: a field has the name of a method.
    """
    has_own_init = "__init__" in vars(cls)
    dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)
    if not has_own_init:
        type.__setattr__(cls, "__init__", _with_help(cls.__init__))
    _refuse_taken_names(cls)
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
        _DECLARED.add(cls)
    jax.tree_util.register_pytree_with_keys(
        cls, tree.flatten_with_keys, partial(tree.unflatten, cls), tree.flatten
    )


def _with_help(init: Callable[..., None]) -> Callable[..., None]:
    """Lets a constructor say which name is wrong, and which is near to it."""

    @wraps(init)
    def construct(self: Record, *values: Any, **fields: Any) -> None:
        try:
            init(self, *values, **fields)
        except TypeError as error:
            told = misnamed(self, values, fields)
            if told is None:
                raise
            raise told from error

    return construct


def _refuse_taken_names(cls: type[Record]) -> None:
    """Refuses a field that would hide a method or a property of every schedule."""
    for name in (field.name for field in dataclasses.fields(cls)):
        for base in cls.__mro__[1:]:
            if name in vars(base) and name not in vars(base).get("__dataclass_fields__", {}):
                raise TypeError(
                    f"`{name}` must not be a field of {cls.__qualname__}, as {base.__name__} has a "
                    f"method or property of that name. Call it `{name}_steps`, for example."
                )


def _maker(cls: type[Record]) -> str:
    """Returns what makes a schedule of a class: the library's factory, or else the class."""
    factory = f"{cls.name}_schedule" if is_registered(cls) else ""
    if factory and cls.__module__ == "log_anneal":
        return factory
    if factory and cls.__module__ == "log_anneal.compat":
        return f"compat.{factory}"
    return cls.__name__


def is_registered(cls: type[Record]) -> bool:
    """Tells whether a class has a name of its own in JSON, or is the same definition again."""
    if "name" not in vars(cls) or cls.name not in SCHEDULES:
        return False
    return SCHEDULES[cls.name]._defined_as == cls._defined_as


def _below(cls: type[Record]) -> Iterator[type[Record]]:
    """Yields every class that is built on one."""
    for each in cls.__subclasses__():
        yield each
        yield from _below(each)

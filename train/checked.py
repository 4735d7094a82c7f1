"""Checks what a person writes down, by the annotations of its fields.

A class that is `checked` refuses a wrong name, type, choice or range in the same words, whoever
builds it: a configuration file, the label of a study, the command line or a program.
"""

import dataclasses
import functools
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, TypeAlias, TypeVar

from train.errors import UserError, did_you_mean
from train.kinds import OrPath, Within, taken

_Described = TypeVar("_Described")

Count: TypeAlias = Annotated[int, Within(at_least=1, fits=2**31 - 1)]  # devices count in int32
Natural: TypeAlias = Annotated[int, Within(at_least=0, fits=2**31 - 1)]
Epochs: TypeAlias = Annotated[int, Within(at_least=1, fits=1_000_000)]
Extent: TypeAlias = Annotated[int, Within(at_least=1, fits=65_536)]  # a side, a width, a batch
Share: TypeAlias = Annotated[float, Within(at_least=0, below=1, way_out="0 switches it off.")]
Strength: TypeAlias = Annotated[float, Within(at_least=0, way_out="0 switches it off.")]
Seed: TypeAlias = Annotated[int, Within(at_least=0, at_most=2**32 - 1)]
Folder: TypeAlias = Annotated[str, OrPath()]


def checked(part: str = "") -> Callable[[type[_Described]], type[_Described]]:
    """Returns a decorator with which a dataclass checks each field that it is built with.

    What a field keeps is a plain value of Python, which JSON can hold: a number of NumPy becomes
    the equal one of Python, a whole number that is given for a real one becomes a float, and a path
    becomes a text.

    Args:
      part: the name of the part of a configuration that the class describes: "model".
    """

    def decorate(cls: type[_Described]) -> type[_Described]:
        build: Any = cls.__init__
        fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]

        @functools.wraps(build)
        def __init__(self: _Described, *values: Any, **given: Any) -> None:  # noqa: N807
            _check_names(cls, fields, len(values), given)
            kinds = kinds_of(cls)  # type: ignore[arg-type]

            def take(name: str, value: Any) -> Any:
                whole = f"{part}.{name}" if part else name
                return taken(whole, kinds[name], value, fields[name].default)

            rest = values[len(fields) :]  # Python refuses them
            values = (*map(take, fields, values), *rest)
            build(self, *values, **{name: take(name, value) for name, value in given.items()})

        cls.__init__ = __init__  # type: ignore[method-assign, assignment]
        hint = f", or set its fields, such as `{part}.{next(iter(fields))}`" if part else ""
        cls.__example__ = f"{cls.__name__}(...){hint}"  # type: ignore[attr-defined]
        return cls

    return decorate


def _check_names(
    cls: type, fields: Mapping[str, dataclasses.Field[Any]], count: int, given: Collection[str]
) -> None:
    """Checks the names of what is given, after so many values without a name."""
    for name in given:
        if name not in fields:
            raise no_field(name, cls, list(fields))
    for name, field in list(fields.items())[count:]:
        if name not in given and field.default is field.default_factory is dataclasses.MISSING:
            raise UserError(f"`{name}` must be given to {cls.__name__}, and is missing. Set it.")


@functools.cache
def kinds_of(cls: type) -> Mapping[str, Any]:
    """Returns the annotations of a class's fields, by their names."""
    return typing.get_type_hints(cls, include_extras=True)


def no_field(name: str, cls: type, known: Collection[str], hint: str = "") -> UserError:
    """Returns the refusal of a name that is no field.

    Args:
      name: the wrong name.
      cls: the class that has no such field.
      known: the names of the fields that it has.
      hint: what may have been meant; empty: a field with a like name, or a list of all.
    """
    hint = hint or did_you_mean(name, known) or f"There are {', '.join(known) or 'none'}."
    return UserError(f"`{name}` must be a field of {cls.__name__}, and is none. {hint}")

"""Schedulers of other libraries: built from their own arguments, checked under their own names."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from log_anneal._core import check
from log_anneal._core.schedule import Schedule


@dataclass(frozen=True)
class Peer:
    """A scheduler of another library, and its arguments that say nothing about the curve."""

    build: Callable[..., Schedule]
    """The function that takes the arguments. An annotation of `int` means whole steps."""
    refused: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    """The arguments that have no place here: the value that changes nothing, and the way out."""
    ignored: tuple[str, ...] = ()
    """The arguments that change nothing in the original either."""


def build(peers: Mapping[str, Peer], name: str, arguments: Mapping[str, Any]) -> Schedule:
    """Builds the schedule of the scheduler that has the name."""
    if name not in peers:
        raise _unknown("name", name, peers)
    peer = peers[name]
    parameters = inspect.signature(peer.build).parameters
    known = [*parameters, *peer.refused, *peer.ignored]
    given = {}
    for argument, value in arguments.items():
        if argument not in known:
            raise _unknown(f"argument of {name}", argument, known)
        if argument in peer.refused:
            neutral, way_out = peer.refused[argument]
            if not (isinstance(value, type(neutral)) and value == neutral):
                raise ValueError(f"`{argument}` must be left out, got {value!r}. {way_out}")
        elif argument in parameters:
            given[argument] = _checked(parameters[argument], value)
    for argument, parameter in parameters.items():
        if parameter.default is parameter.empty and argument not in given:
            raise ValueError(
                f"`{argument}` must be given for {name}, and is missing. Its arguments are "
                f"{', '.join(known)}."
            )
    return peer.build(**given)


def above(name: str, value: float, low: float, way_out: str) -> None:
    """Refuses a value that is not above a bound."""
    if not value > low:
        raise ValueError(f"`{name}` must be above {low:.7g}, got {value}. {way_out}")


def _checked(parameter: inspect.Parameter, value: Any) -> Any:
    name, kind, default = parameter.name, parameter.annotation, parameter.default
    if value is None and default is None:
        return None
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise _unknown(name, value, get_args(kind))
    elif kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"`{name}` must be True or False, got {value!r}. Give one of them.")
    elif kind in (int, int | None):
        return check.steps(name, value, 0 if default == 0 else 1)
    elif kind in (float, float | None):
        value = check.number(name, value)
        return value if check.is_traced(value) else check.real(name, value, 0, check.MAX_VALUE)
    return value


def _unknown(kind: str, value: object, known: Iterable[str]) -> ValueError:
    known = list(known)
    near = difflib.get_close_matches(str(value), known, n=1)
    way_out = f"Did you mean {near[0]!r}?" if near else "Take one of these, or leave it out."
    return ValueError(f"`{kind}` must be one of {', '.join(known)}, got {value!r}. {way_out}")

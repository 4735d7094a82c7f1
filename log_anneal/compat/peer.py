"""Schedulers of other libraries: built from their own arguments, checked under their own names."""

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._core.steps import MAX_STEP


class Between(NamedTuple):
    """The bounds of a number, both inclusive, where they are not those of a rate."""

    low: float
    high: float = check.MAX_VALUE
    way_out: str = ""


Share = Annotated[float, Between(0, 1, "It is a share: take 0.5 for a half.")]
Whole = Annotated[int, Between(0)]
AnyInt = Annotated[int, Between(-MAX_STEP)]


@dataclass(frozen=True)
class Peer:
    """A scheduler of another library, and its arguments that say nothing about the curve."""

    build: Callable[..., Schedule]
    """The function that takes the arguments. An annotation of `int` means whole steps."""
    refused: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    """The arguments that have no place here: the value that changes nothing, and the way out."""
    ignored: Mapping[str, Any] = field(default_factory=dict)
    """The arguments that do not change the rate: what kind of value each takes."""

    @property
    def known(self) -> list[str]:
        """The names of all arguments."""
        return [*inspect.signature(self.build).parameters, *self.refused, *self.ignored]


def build(peer: Peer, name: str, arguments: Mapping[str, Any]) -> Schedule:
    """Builds the schedule of a scheduler from the scheduler's own arguments."""
    parameters = inspect.signature(peer.build).parameters
    given = {}
    for argument, value in arguments.items():
        if argument in peer.refused:
            neutral, way_out = peer.refused[argument]
            if not (isinstance(value, type(neutral)) and value == neutral):
                raise ValueError(f"`{argument}` must be left out, got {value!r}. {way_out}")
        elif argument in peer.ignored:
            checked(argument, peer.ignored[argument], value)
        elif argument in parameters:
            parameter = parameters[argument]
            is_left_out = value is None and parameter.default is None
            given[argument] = (
                None if is_left_out else checked(argument, parameter.annotation, value)
            )
        else:
            raise _no_argument(argument, name, peer.known)
    for argument, parameter in parameters.items():
        if parameter.default is parameter.empty and argument not in given:
            raise ValueError(
                f"`{argument}` must be given for {name}, and is missing. Its arguments are "
                f"{', '.join(peer.known)}."
            )
    return peer.build(**given)


@contextmanager
def named(**theirs: str) -> Iterator[None]:
    """Lets an error of our own constructors name the arguments of the other library.

        with named(init_value="base_lr", decay_rate="gamma"):

    Args:
      **theirs: the name of the other library's argument, by the name of our field.
    """
    try:
        yield
    except ValueError as error:
        if not hasattr(error, "is_named"):
            text = re.sub(r"`(\w+)", lambda m: f"`{theirs.get(m[1], m[1])}", str(error))
            error.args = (text,)
            vars(error)["is_named"] = True
        raise


def checked(name: str, kind: Any, value: Any) -> Any:
    """Returns a value as the kind of its argument has it.

    Args:
      name: the name of the argument.
      kind: its annotation.
      value: what the user gave.

    Raises:
      ValueError: the value is of another kind, or out of the bounds.
    """
    bounds = None
    if get_origin(kind) in (Union, UnionType):  # of a kind and None, which is no value here
        kind = get_args(kind)[0]
    if get_origin(kind) is Annotated:
        kind, bounds = get_args(kind)
    if get_origin(kind) is Literal:
        return _word(name, value, get_args(kind))
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"`{name}` must be True or False, got {value!r}. Give one of them.")
    elif kind is str:
        if not isinstance(value, str):
            raise ValueError(f"`{name}` must be a text, got {value!r}. Give one, or leave it out.")
    elif kind is int:
        return check.steps(name, value, int(bounds.low) if bounds else 1)
    elif kind is float:
        return _real(name, value, bounds or Between(0))
    elif get_origin(kind) is Callable and not callable(value):
        raise ValueError(
            f"`{name}` must be a function of the step, got {value!r}. Give a function, "
            "`lambda step: 0.95**step` for example."
        )
    return value


def above(name: str, value: float, low: float, way_out: str) -> None:
    """Refuses a value that is not above a bound."""
    if not check.is_traced(value) and not value > low:
        raise ValueError(f"`{name}` must be above {low:.7g}, got {value}. {way_out}")


def divided(rate: float, name: str, divisor: float) -> float:
    """Returns a rate divided by a factor, and refuses a factor that leaves no rate."""
    above(name, divisor, 0, "Take 25, for example.")
    quotient = rate / divisor
    if not check.is_traced(quotient) and not quotient <= check.MAX_VALUE:
        raise ValueError(
            f"`{name}` must leave a rate of at most {check.MAX_VALUE:g}, got {divisor:g}, which "
            f"makes {quotient:g} of {rate:g}. Take more."
        )
    return quotient


def listed(name: str, value: Any, of: str) -> list[Any]:
    """Returns the members of a list, or of anything else that has members and is no text."""
    value = check.plain(value) if check.is_array(value) else value
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise ValueError(f"`{name}` must be a list of {of}, got {value!r}. Give a list.")
    return list(value)


def steps_listed(name: str, value: Any, least: int) -> list[int]:
    """Returns the members of a list of whole steps, each at least `least`."""
    members = listed(name, value, "steps")
    return [check.steps(f"{name}[{i}]", step, least) for i, step in enumerate(members)]


def rates_listed(name: str, value: Any) -> list[float]:
    """Returns the members of a list of rates, each from 0 to 1e30."""
    members = listed(name, value, "rates")
    return [_real(f"{name}[{i}]", rate, Between(0)) for i, rate in enumerate(members)]


_RATES = ("lr", "learning_rate", "init_lr", "peak_lr")
"""What people call the rate that an optimizer of PyTorch has."""


def nearest(value: object, known: Iterable[str]) -> str | None:
    """Finds the name that a misspelt one may stand for; none where none is near."""
    near = difflib.get_close_matches(str(value), list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def _real(name: str, value: Any, bounds: Between) -> Any:
    value = check.number(name, value)
    if check.is_traced(value):
        return value
    return check.real(name, value, bounds.low, bounds.high, bounds.way_out)


def _word(name: str, value: Any, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        near = nearest(value, words)
        way_out = f"Did you mean {near!r}?" if near else "Take one of these, or leave it out."
        raise ValueError(f"`{name}` must be one of {', '.join(words)}, got {value!r}. {way_out}")
    return value


def _no_argument(argument: str, name: str, known: list[str]) -> ValueError:
    near = "base_lr" if argument in _RATES and "base_lr" in known else nearest(argument, known)
    return ValueError(
        f"`{argument}` must be an argument of {name}, and is none. "
        + (f"Did you mean `{near}`? " if near else "")
        + f"Its arguments are {', '.join(known)}."
    )

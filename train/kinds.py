"""Kinds: what an annotation allows, and the sentence that refuses anything else."""

import ast
import contextlib
import dataclasses
import functools
import math
import operator
import os
import reprlib
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from train.errors import UserError, did_you_mean
from train.marks import Address as Address
from train.marks import OrPath as OrPath
from train.marks import Within as Within

_UNIONS = (typing.Union, types.UnionType)
_NUMBERS = {int: "a whole number", float: "a number"}
_NAMES: dict[Any, str] = {
    **_NUMBERS,
    **{Path: "a path", str: "a text", types.NoneType: "None", Callable: "a function"},
    **{dict: "a mapping from names to numbers", Mapping: "a mapping", Sequence: "a sequence"},
}


def taken(name: str, kind: Any, value: Any, default: Any = dataclasses.MISSING) -> Any:
    """Returns a value as a field keeps it.

    Args:
      name: the field's name, with the parts of the configuration in front.
      kind: the field's annotation.
      value: what was given.
      default: what the field keeps if nothing is given.

    Raises:
      UserError: the annotation does not allow the value.
    """
    try:
        return _taken(kind, value)
    except _Wrong as wrong:
        choices = _words(wrong.kind)
        rule = " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))
        if isinstance(wrong.value, float) and not math.isfinite(wrong.value):
            rule = rule.replace("a number", "a finite number")
        raise UserError(
            f"`{name}{wrong.place}` must be {rule}, got {shown(wrong.value)}. "
            f"{_way_out(wrong, choices, default)}".rstrip()
        ) from None


class _Wrong(Exception):  # noqa: N818, it becomes a UserError
    """A value is not what an annotation says. `place` leads to it, inside of the field."""

    def __init__(self, kind: Any, value: Any, place: str = "") -> None:
        self.kind, self.value, self.place = kind, value, place


def _taken(kind: Any, value: Any) -> Any:
    """Returns a value as an annotation has it; raises _Wrong where it allows no such value."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    value = value.item() if isinstance(value, np.generic) else value
    value = str.__str__(value) if isinstance(value, str) else value  # an enum's member is a text
    if origin is Annotated:
        return _marked(kind, parts[0], parts[1], value)
    if origin in _UNIONS:
        return _of_union(parts, value)
    if origin is Literal and any(type(each) is type(value) and each == value for each in parts):
        return value
    if origin is Callable and callable(value):
        return value
    if origin in (dict, Mapping, Sequence, tuple):
        return _contained(kind, origin, parts, value)
    if origin is None and _is_a(kind, value):
        return kind(value) if kind in _NUMBERS else value
    raise _Wrong(kind, value)


def _marked(kind: Any, plain: Any, mark: Any, value: Any) -> Any:
    if isinstance(mark, OrPath) and isinstance(value, os.PathLike):
        text = os.fsdecode(value)
        # A data set may have the same name as a folder, so that a path must look like one.
        is_plain = text.startswith((".", "~")) or os.path.isabs(text)
        return text if is_plain else os.path.join(".", text)
    try:
        kept = _taken(plain, value)
    except _Wrong as wrong:
        raise _Wrong(kind, wrong.value) from None
    if isinstance(mark, Within) and mark.fits is not None and kept > mark.fits:
        largest = dataclasses.replace(mark, at_most=mark.fits, way_out="Take a smaller one.")
        raise _Wrong(Annotated[plain, largest], value)
    if isinstance(mark, Within | Address) and not mark.holds(kept):
        raise _Wrong(kind, value)
    return kept


def _of_union(parts: Sequence[Any], value: Any) -> Any:
    inner, told = None, []
    for part in parts:
        try:
            return _taken(part, value)
        except _Wrong as wrong:
            inner = wrong if wrong.place else inner
            told.append(wrong.kind)
    raise inner or _Wrong(functools.reduce(operator.or_, told), value)


def _contained(kind: Any, origin: Any, parts: Sequence[Any], value: Any) -> Any:
    """Returns what a container holds, in a dict or a tuple."""
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        return {_at(key, parts[0], key): _at(key, parts[1], value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        kinds = [parts[0]] * len(value) if origin is Sequence else parts
        if origin in (Sequence, tuple) and len(kinds) == len(value):
            return tuple(map(_at, range(len(value)), kinds, value))
    raise _Wrong(kind, value)


def _at(place: Any, kind: Any, value: Any) -> Any:
    try:
        return _taken(kind, value)
    except _Wrong as wrong:
        raise _Wrong(wrong.kind, wrong.value, f".{place}{wrong.place}") from None


def _is_a(kind: type, value: Any) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        # A whole number may be too large for a float.
        return isinstance(value, float | int) and abs(value) <= sys.float_info.max
    return isinstance(value, kind)


def _words(kind: Any) -> list[str]:
    """Returns what an annotation allows, in words."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        mark = "or a path" if isinstance(parts[1], OrPath) else parts[1]
        return [f"{_words(parts[0])[0]} {mark}"]
    if origin in _UNIONS:
        return [words for part in parts for words in _words(part)]
    if origin is Literal or kind is bool:
        return [str(choice) for choice in parts or (True, False)]
    if origin is tuple:
        return [f"{len(parts)} values in a row"]
    if (name := origin or kind) in _NAMES:
        return [_NAMES[name]]
    return [f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"]


def _way_out(wrong: _Wrong, choices: Sequence[str], default: Any) -> str:
    """Returns a sentence that tells what to write instead; empty if there is nothing to tell."""
    if meant := _meant(wrong.kind, wrong.value):
        return f"Write {meant}."
    if isinstance(wrong.value, str) and (hint := did_you_mean(wrong.value, choices)):
        return hint
    for kind in _leaves(wrong.kind):
        if hasattr(kind, "__example__"):
            return f"Write {kind.__example__}."
        if isinstance(kind, Within) and kind.way_out:
            return kind.way_out
    has_default = default is not dataclasses.MISSING and not wrong.place
    return f"The default is {default!r}." if has_default else ""


def _leaves(kind: Any) -> list[Any]:
    """Returns the classes, the choices and the ranges that an annotation names."""
    parts = typing.get_args(kind)
    return [each for part in parts for each in _leaves(part)] if parts else [kind]


def _meant(kind: Any, value: Any) -> str:
    """Returns what a text, or a number of another type, was meant to be; empty if nothing fits."""
    found = value
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        found = ast.literal_eval(value) if isinstance(value, str) else value
    near = [found] if isinstance(value, str) else []
    if isinstance(found, float) and found.is_integer():
        near.append(int(found))
    if type(found) in (int, float) and found in (0, 1):
        near.append(bool(found))
    if isinstance(found, bool):
        near.append(int(found))
    for each in near:
        with contextlib.suppress(_Wrong):
            return repr(_taken(kind, each))
    return ""


_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 60


def shown(value: Any) -> str:
    """Returns a value on one short line, as the end of a refusal shows it."""
    if type(value) is int and value.bit_length() > 128:
        return f"a number of {value.bit_length()} bits"  # Python writes no number of 5,000 digits
    return " ".join(_brief.repr(value).split())

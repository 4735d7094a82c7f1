"""Words: a configuration refuses a wrong word of a command, as it refuses the value in a file.

The parser of the command line has sentences of its own for a wrong value, so it comes second.
"""

import contextlib
import dataclasses
import difflib
import typing
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from train.changes import Choice
from train.checked import Natural, kinds_of, no_field
from train.config import Config
from train.errors import UserError
from train.kinds import taken
from train.own import check_task

_RATES = ("lr", "learning_rate", "rate", "max_lr")
"""What other programs call the rate that a schedule has here."""
_PEAKS = ("peak_value", "value", "init_value", "max_value", "boundary_values")
"""The fields of schedules that say how high the rate is; the first that there is counts."""
_Option = tuple[str, list[str]]


def refuse(config: Config, words: Sequence[str], others: Collection[str]) -> None:
    """Refuses the first word that names no field, or is no value of the field before it.

    Args:
      config: the configuration that the words would change.
      words: the words of the command, after the file.
      others: the names of the options that are no fields.

    Raises:
      UserError: there is such a word.
    """
    for name, values in _options(words):
        if name == "extend":
            taken("--extend", Choice, " ".join(values))
        if name == "from_step":
            taken("--from-step", Natural, _value("--from-step", Natural, values))
        _refuse_task(config, name, values)
        if name == "log" and not values:
            raise UserError("`--log` must be wandb, mlflow or both, got nothing. Name one.")
        if {name, name.removeprefix("no_")} & {*others}:
            continue
        found = _find(config, name.split("."), others)
        if found is not None:
            cls, field, whole = found
            kind = kinds_of(cls)[field.name]
            if kind is bool:
                _refuse_flag(whole, values)
            else:
                taken(whole, kind, _value(whole, kind, values), field.default)


def _refuse_task(config: Config, name: str, values: Sequence[str]) -> None:
    """Refuses a task by its name, and settings of a task where the configuration has none."""
    if name == "task" and values != ["None"]:
        check_task(" ".join(values), {})
    if name.startswith("task.") and config.task is None:
        raise UserError(
            f"`{name}` must be a setting of the configuration's task, got a configuration that "
            "classifies images and has none. Take another, such as configs/forecast_small.py."
        )


def _options(words: Sequence[str]) -> Iterator[_Option]:
    """Yields each option, as a field's name, with the words that follow it."""
    option: _Option | None = None
    for word in words:
        if word.startswith("--"):
            if option:
                yield option
            name, equals, value = word[2:].partition("=")
            option = (name.replace("-", "_"), [value] if equals else [])
        elif option:
            option[1].append(word)
    if option:
        yield option


def _find(
    config: Config, path: Sequence[str], others: Collection[str]
) -> tuple[type, dataclasses.Field[Any], str] | None:
    """Returns the field that a path leads to, with its class and its whole name.

    None: the library checks it, for it is one of the schedule's, or it is a misspelt option.

    Raises:
      UserError: there is no such field.
    """
    part: Any = config
    for place, name in enumerate(path):
        fields = _fields(part)
        name = name if name in fields else name.removeprefix("no_")
        if name not in fields:
            name = path[place]
            if part is config and (there := _elsewhere(config, name)):
                hint = f"Did you mean {' or '.join(there)}?"
                raise no_field(name, Config, list(fields), hint)
            near = difflib.get_close_matches(name, [*fields, *others], 1)
            if part is config and near and near[0] in others:
                return None
            raise no_field(name, type(part), list(fields))
        if part is config.schedule:
            return None
        if place == len(path) - 1:
            return type(part), fields[name], ".".join([*path[:-1], name])
        part = getattr(part, name)
    return None


def _elsewhere(config: Config, name: str) -> list[str]:
    """Returns the options of the parts of a configuration that a name without a part may mean."""
    parts = {field: getattr(config, field) for field in _fields(config)}
    found = [f"{part}.{name}" for part, value in parts.items() if name in _fields(value)]
    if not found and name in _RATES:
        found = [f"schedule.{each}" for each in _PEAKS if each in _fields(config.schedule)][:1]
    return [f"`--{each.replace('_', '-')}`" for each in found]


def _fields(part: Any) -> dict[str, dataclasses.Field[Any]]:
    known = dataclasses.fields(part) if dataclasses.is_dataclass(part) else ()
    return {field.name: field for field in known if field.init}


def _refuse_flag(name: str, values: Sequence[str]) -> None:
    if values:
        front, _, last = name.replace("_", "-").rpartition(".")
        front = f"--{front}." if front else "--"
        raise UserError(
            f"`{name}` must be {front}{last} or {front}no-{last} on the command line, "
            f"got {values[0]!r} after it. Leave the value out."
        )


def _value(name: str, kind: Any, words: Sequence[str]) -> Any:
    """Returns the value that words stand for; the text itself if they stand for none."""
    if typing.get_origin(kind) is dict:
        if len(words) % 2:
            return " ".join(words)
        kind_of_value = typing.get_args(kind)[1]
        pairs = zip(words[::2], words[1::2], strict=True)
        return {each: _of_word(kind_of_value, word) for each, word in pairs}
    if not words:
        raise UserError(f"`{name}` must have a value, got none. Write it after the name.")
    if len(words) > 1:
        raise UserError(
            f"`{name}` must be one value, got {' '.join(words)!r}. Put quotes around it."
        )
    return _of_word(kind, words[0])


def _of_word(kind: Any, word: str) -> Any:
    """Returns the value that a word stands for in an annotation; the word itself for none."""
    for read in (str, int, float, {"None": None}.__getitem__):
        with contextlib.suppress(ValueError, KeyError):
            value = read(word)
            taken("", kind, value)  # a UserError is a ValueError
            return value
    # It stands for a number out of the range, or for nothing at all.
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(word)
    return word

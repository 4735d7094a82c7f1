"""Words: a command refuses a wrong word in the sentence that refuses the value in a file.

The parser of the command line has sentences of its own for what is wrong. So it comes second, and
sees only what is right.
"""

import dataclasses
import difflib
import functools
import operator
import types
import typing
from collections.abc import Collection, Sequence
from typing import Annotated, Any

from train.changes import changed, parts_of
from train.checked import kinds_of, no_field
from train.cli.reading import number_of, only_word, options_in, value_of
from train.config import Config
from train.errors import UserError, did_you_mean
from train.kinds import taken
from train.own import check_task

_RATES = ("lr", "learning_rate", "rate", "max_lr")
"""What other programs call the rate that a schedule has here."""
_PEAKS = ("peak_value", "value", "init_value", "max_value", "boundary_values")
"""The fields of schedules that say how high the rate is; the first that there is counts."""


def refuse(
    command: type, words: Sequence[str], config: Config | None = None, *, name: str = ""
) -> None:
    """Refuses the first word that names no option, or is no value of the option before it.

    Args:
      command: the class of the command.
      words: the words of the command, after its file or folder.
      config: the configuration that the words would change; None: the command has none.
      name: of the command; empty: it has none.

    Raises:
      UserError: there is such a word.
    """
    own = options_of(command)
    of_schedule: dict[str, Any] = {}
    for option, values in options_in(words):
        plain = option if option in own else option.removeprefix("no_")
        if plain in own:
            _refuse_own(command, own[plain], plain, values)
        elif config is None:
            raise _no_option(option, own, name)
        elif option == "task" or option.startswith("task."):
            _refuse_task(config, option, values)
        elif option.startswith("schedule."):
            of_schedule[option] = _of_schedule(config, option, values)
        else:
            _refuse_field(config, option, values, own)
    if config is not None and of_schedule:
        changed(config, of_schedule)  # the fields of a schedule are checked together


def _refuse_task(config: Config, name: str, values: Sequence[str]) -> None:
    """Refuses a task by its name, what is no setting of the task, and no value of a setting."""
    if name == "task" and values != ["None"]:
        check_task(" ".join(values), {})
    if not name.startswith("task."):
        return
    if config.task is None:
        raise UserError(
            f"`{name}` must be a setting of the configuration's task, got a configuration that "
            "classifies images and has none. Take another, such as configs/forecast_small.py."
        )
    _refuse_field(config, name, values, ())


def options_of(command: type) -> dict[str, dataclasses.Field[Any]]:
    """Returns the options of a command that are no fields of a configuration, by their names."""
    kinds = kinds_of(command)
    fields = {field.name: field for field in dataclasses.fields(command)}
    return {
        getattr(_mark(kinds[name]), "name", None) or name: field
        for name, field in fields.items()
        if name not in ("config", "file", "folder")
    }


def _mark(kind: Any) -> Any:
    """Returns what stands beside the type in an annotation: what the option is called, or None."""
    return typing.get_args(kind)[1] if typing.get_origin(kind) is Annotated else None


def _refuse_own(
    command: type, field: dataclasses.Field[Any], name: str, values: Sequence[str]
) -> None:
    """Refuses what is no value of an option of the command's own."""
    kind, option = kinds_of(command)[field.name], f"--{name.replace('_', '-')}"
    if kind is bool:
        _refuse_flag(option, option[2:], values)
    elif typing.get_origin(kind) is tuple:
        each = typing.get_args(kind)[0]
        if not values:
            choices = ", ".join(typing.get_args(each))
            raise UserError(f"`{option}` must be one or more of {choices}, got nothing. Name one.")
        for value in values:
            taken(option, each, value)
    else:
        # None stands for an option that is left out, which nobody writes.
        kinds = [each for each in typing.get_args(kind) or [kind] if each is not types.NoneType]
        is_optional = len(kinds) < len(typing.get_args(kind))
        plain = functools.reduce(operator.or_, kinds) if is_optional else kind
        default = dataclasses.MISSING if field.default is None else field.default
        if not (is_optional and values == ["None"]):
            taken(option, plain, value_of(option, plain, values), default)


def _of_schedule(config: Config, name: str, words: Sequence[str]) -> Any:
    """Returns the value that words stand for as that of a schedule's field."""
    held: Any = config
    for each in name.split("."):
        parts = parts_of(held)
        if each not in parts:
            return None  # whoever changes it refuses the name
        held = parts[each]
    if isinstance(held, tuple):
        return tuple(map(number_of, words))
    return number_of(only_word(name, words))


def _no_option(name: str, own: Collection[str], command: str = "") -> UserError:
    known = [f"--{each.replace('_', '-')}" for each in own]
    option = f"--{name.replace('_', '-')}"
    hint = did_you_mean(option, known) or f"There are {', '.join(known) or 'none'}."
    return UserError(
        f"`{option}` must be an option of {command or 'this command'}, and is none. {hint}"
    )


def _refuse_field(
    config: Config, name: str, values: Sequence[str], others: Collection[str]
) -> None:
    """Refuses a name that is no field of a configuration, or what is no value of the field."""
    cls, field, whole = _find(config, name.split("."), others)
    kind = kinds_of(cls)[field.name]
    if whole == "schedule":
        known = [each.replace("_", "-") for each in _fields(config.schedule)]
        raise UserError(
            f"`schedule` must be changed by its fields here, got {' '.join(values) or 'nothing'}. "
            f"There are {', '.join(f'--schedule.{each}' for each in known) or 'none'}."
        )
    if kind is bool:
        _refuse_flag(whole, whole.replace("_", "-"), values)
    else:
        taken(whole, kind, value_of(whole, kind, values), field.default)


def _find(
    config: Config, path: Sequence[str], others: Collection[str]
) -> tuple[type, dataclasses.Field[Any], str]:
    """Returns the field that a path leads to, with its class and its whole name.

    Raises:
      UserError: there is no such field.
    """
    part: Any = config
    for place, given in enumerate(path):
        fields = _fields(part)
        name = given if given in fields else given.removeprefix("no_")
        if name not in fields:
            raise _no_field(config, part, given, others)
        if place == len(path) - 1:
            return type(part), fields[name], ".".join([*path[:-1], name])
        part = getattr(part, name)
    raise AssertionError("a path has a name at least")


def _no_field(config: Config, part: Any, name: str, others: Collection[str]) -> UserError:
    """Returns the refusal of a name that is no field of a part, and what may have been meant."""
    fields = _fields(part)
    if part is not config:
        return no_field(name, type(part), list(fields))
    if there := _elsewhere(config, name):
        return no_field(name, Config, list(fields), f"Did you mean {' or '.join(there)}?")
    near = difflib.get_close_matches(name, [*fields, *others], 1)
    if near and near[0] in others:
        return _no_option(name, others)
    return no_field(name, Config, list(fields))


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


def _refuse_flag(name: str, option: str, values: Sequence[str]) -> None:
    if values:
        front, _, last = option.rpartition(".")
        front = f"--{front}." if front else "--"
        raise UserError(
            f"`{name}` must be {front}{last} or {front}no-{last} on the command line, "
            f"got {values[0]!r} after it. Leave the value out."
        )

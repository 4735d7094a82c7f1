"""Schedules as JSON: with the version of the format, and the fields as they were given."""

import dataclasses
import difflib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from log_anneal._core.as_function import AsFunction
from log_anneal._core.misnamed import no_such_field
from log_anneal._core.record import SCHEDULES, is_registered
from log_anneal._core.schedule import Schedule
from log_anneal._core.tree import given, refuse_stack

VERSION = 1
SINCE = "0.1.0"
"""The release of log_anneal that wrote this version first."""


def to_dict(schedule: Schedule) -> dict[str, Any]:
    """Returns the schedule's name, the version of the format, and every field.

    Args:
      schedule: one of a class with a `name` of its own.

    Returns:
      Python values that JSON takes. A default that follows another field is None, unless the
      schedule came out of a transformation or `jax.tree.map`: then its defaults are resolved.

    Raises:
      TypeError: it is no `Schedule`, or its class has no name of its own.
      ValueError: it is a stack of schedules.

    Example:
      >>> from log_anneal import constant_schedule
      >>> to_dict(constant_schedule(0.1))
      {'schedule': 'constant', 'version': 1, 'value': 0.1}
    """
    if not isinstance(schedule, Schedule):
        way_out = (
            "Of the function `f`, give `f.schedule`."
            if isinstance(schedule, AsFunction)
            else "Make one of a function by `tabulated_schedule(function, num_steps=...)`."
        )
        raise TypeError(f"`schedule` must be a Schedule, got {schedule!r}. {way_out}")
    if not is_registered(type(schedule)):
        cls = type(schedule).__qualname__
        raise TypeError(
            f"`schedule` must be of a class with a name of its own, got a {cls}. "
            f'Give the class one: `name: ClassVar[str] = "..."`.'
        )
    refuse_stack(schedule)
    fields = {name: _written(name, value) for name, value in given(schedule).items()}
    return {"schedule": schedule.name, "version": VERSION, **fields}


def from_dict(record: Mapping[str, Any]) -> Schedule:
    """Builds the schedule that `to_dict` wrote, or a person.

    Args:
      record: "schedule", and the fields of that schedule by their names. A field that has a default
        may be left out. So may "version": without it the record is of the version that this release
        writes. A record is any mapping, such as a dict, a `ConfigDict` of ml_collections or a
        `DictConfig` of OmegaConf; a sequence in it is a list, a tuple or a `ListConfig`.

    Returns:
      A schedule of the class that has the name, equal to the one that was written.

    Raises:
      ValueError: a name, the version or a value is wrong; a field is unknown, or is missing and has
        no default. The message names the field, and the part of the schedule that it stands in.

    Example:
      >>> from_dict({"schedule": "step_decay", "init_value": 0.1, "decay_steps": 30,
      ...            "decay_rate": 0.1})
      step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.1)
    """
    return _built(record, "")


def _built(record: Any, place: str) -> Schedule:
    """Builds a schedule that stands at a place in another; the outermost has the place ""."""
    if not _is_mapping(record):
        way_out = (
            "Read a text by `from_json`."
            if isinstance(record, str | bytes)
            else "Write one by `to_dict(schedule)`."
        )
        raise ValueError(f"A schedule must be an object, got {record!r}. {way_out}")
    fields = dict(record.items())
    try:
        cls = _known_class(fields.pop("schedule", None))
        _refuse_other_version(fields.pop("version", VERSION))
        _refuse_other_fields(cls, fields)
    except ValueError as error:
        raise _at(place, error) from None
    values = {name: _read(value, f"{place}{name}") for name, value in fields.items()}
    try:
        schedule: Schedule = cls(**values)
    except (TypeError, ValueError) as error:
        raise _at(place, error) from error
    return schedule


def _known_class(name: object) -> Any:
    if isinstance(name, str) and name in SCHEDULES:
        return SCHEDULES[name]
    if _is_mapping(name):
        raise ValueError(
            "`schedule` must be the name of a schedule, got a record of its own. Give that record "
            'alone: `from_dict(config["schedule"])`.'
        )
    near = difflib.get_close_matches(str(name), SCHEDULES, n=1)
    way_out = f"Did you mean {near[0]!r}?" if near else "Import the module that defines it."
    raise ValueError(f"`schedule` must be one of {', '.join(SCHEDULES)}, got {name!r}. {way_out}")


def _refuse_other_version(version: object) -> None:
    if type(version) is int and version > VERSION:
        raise ValueError(
            f"`version` must be {VERSION}, which log_anneal writes since release {SINCE}, got "
            f"{version}, which a later release wrote. Install that release, or a newer one."
        )
    if type(version) is not int or version != VERSION:
        raise ValueError(f"`version` must be {VERSION}, got {version!r}. Or leave it out.")


def _refuse_other_fields(cls: Any, fields: Mapping[str, Any]) -> None:
    """Refuses a field that the class does not have, and the lack of one without a default."""
    known = {field.name: field.default for field in dataclasses.fields(cls)}
    for name in fields:
        if name not in known:
            raise ValueError(no_such_field(name, cls.name, known))
    for name, default in known.items():
        if default is dataclasses.MISSING and name not in fields:
            raise ValueError(f"`{name}` must be given for {cls.name}, and is missing. Add it.")


def _at(place: str, error: Exception) -> Exception:
    """Returns the error, which says in which part of the schedule it is."""
    if not place:
        return error
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{error} This is in `{place.removesuffix('.')}`.")


def _written(name: str, value: Any) -> Any:
    if isinstance(value, Schedule):
        return to_dict(value)
    if isinstance(value, tuple):
        return [_written(name, each) for each in value]
    if callable(value):
        raise TypeError(
            f"`{name}` must be data to be written, got the function {value!r}. Keep its curve as "
            "`tabulated_schedule(schedule, num_steps=...)`."
        )
    return value


def _read(value: Any, place: str) -> Any:
    if _is_mapping(value):
        return _built(value, f"{place}.")
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(_read(each, f"{place}[{i}]") for i, each in enumerate(value))
    return value


def _is_mapping(value: object) -> bool:
    """Tells whether a value has names and values: a ConfigDict is no `Mapping` and has them."""
    return isinstance(value, Mapping) or callable(getattr(value, "items", None))


def to_json(schedule: Schedule) -> str:
    """Returns one line of JSON, from which `from_json` makes an equal schedule.

    Raises:
      TypeError: it is no `Schedule`, or its class has no name of its own.
      ValueError: it is a stack of schedules, or holds a number that is not finite.
    """
    return json.dumps(to_dict(schedule), allow_nan=False)


def from_json(text: str | bytes) -> Schedule:
    """Builds the schedule that `to_json` wrote, or a person.

    Args:
      text: a JSON object, as `from_dict` takes it.

    Returns:
      A schedule equal to the one that was written.

    Raises:
      ValueError: it is not JSON, or not a schedule's.
      TypeError: it is no text.

    Example:
      >>> from_json('{"schedule": "constant", "value": 0.1}')
      constant_schedule(value=0.1)
    """
    try:
        return from_dict(json.loads(text, object_pairs_hook=_once))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(
            f"`text` must be JSON, got {text[:40]!r}: {error}. Write it with `to_json(schedule)`."
        ) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1:
            raise ValueError(f"`{name}` must be given once, got {count}. Delete the others.")
    return record

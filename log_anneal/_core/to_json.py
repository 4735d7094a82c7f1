"""Schedules as JSON: with the version of the format, and the fields as they were given."""

import dataclasses
import difflib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from log_anneal._core.record import SCHEDULES, is_registered
from log_anneal._core.schedule import Schedule
from log_anneal._core.tree import given, refuse_stack

VERSION = 1


def to_dict(schedule: Schedule) -> dict[str, Any]:
    """Returns the schedule's name, the version of the format, and every field.

    Args:
      schedule: one of a class with a `name` of its own.

    Returns:
      Python values that JSON takes. A default that follows another field is None, unless the
      schedule came out of a transformation or `jax.tree.map`: then its defaults are resolved.

    Raises:
      TypeError: the class has no name of its own.
      ValueError: it is a stack of schedules.

    Example:
      >>> from log_anneal import constant_schedule
      >>> to_dict(constant_schedule(0.1))
      {'schedule': 'constant', 'version': 1, 'value': 0.1}
    """
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
    """Builds the schedule that `to_dict` wrote.

    Args:
      record: "schedule", "version" and every field of that schedule, no more and no less.

    Returns:
      A schedule of the class that has the name, equal to the one that was written.

    Raises:
      ValueError: a name, the version or a value is wrong; a field is missing or unknown.
    """
    if not isinstance(record, Mapping):
        raise ValueError(
            f"A schedule must be an object, got {record!r}. Write one with `to_json(schedule)`."
        )
    fields = dict(record)
    name, version = fields.pop("schedule", None), fields.pop("version", None)
    if not isinstance(name, str) or name not in SCHEDULES:
        raise _unknown("schedule", name, SCHEDULES)
    if type(version) is not int or version != VERSION:
        raise ValueError(
            f"`version` must be {VERSION}, got {version!r}. Write the schedule anew with "
            "`to_json`, by the release of log_anneal that reads it."
        )
    known = [field.name for field in dataclasses.fields(SCHEDULES[name])]
    for field in fields:
        if field not in known:
            raise _unknown("field", field, known)
    for field in known:
        if field not in fields:
            raise ValueError(
                f"`{field}` must be given for {name}, and is missing. "
                "Write null for a default that is one."
            )
    cls: Any = SCHEDULES[name]
    schedule: Schedule = cls(**{field: _read(value) for field, value in fields.items()})
    return schedule


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


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        return from_dict(value)
    return tuple(map(_read, value)) if isinstance(value, list) else value


def to_json(schedule: Schedule) -> str:
    """Returns one line of JSON, from which `from_json` makes an equal schedule.

    Raises:
      TypeError: the class has no name of its own.
      ValueError: it is a stack of schedules, or holds a number that is not finite.
    """
    return json.dumps(to_dict(schedule), allow_nan=False)


def from_json(text: str | bytes) -> Schedule:
    """Builds the schedule that `to_json` wrote.

    Args:
      text: a JSON object.

    Returns:
      A schedule equal to the one that was written.

    Raises:
      ValueError: it is not JSON, or not a schedule's.
      TypeError: it is no text.

    Example:
      >>> from_json('{"schedule": "constant", "version": 1, "value": 0.1}')
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


def _unknown(kind: str, name: object, known: Iterable[str]) -> ValueError:
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1)
    ways_out = {"schedule": "Import the module that defines it.", "field": "Delete it."}
    way_out = f"Did you mean {near[0]!r}?" if near else ways_out[kind]
    return ValueError(f"`{kind}` must be one of {', '.join(known)}, got {name!r}. {way_out}")

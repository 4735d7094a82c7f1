"""The error of a constructor that was given a wrong name."""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def misnamed(record: Any, values: Sequence[Any], fields: Mapping[str, Any]) -> TypeError | None:
    """Returns the error for values without a name, unknown names or missing ones; or None."""
    known = {field.name: field for field in dataclasses.fields(record)}
    cls, names = type(record).__name__, ", ".join(f"`{name}`" for name in known)
    if values:
        return TypeError(
            f"The fields of {cls} must be given by their names, got {_shown(values)} without one. "
            f"Write `{next(iter(known), 'name')}=...`. The names are {names}."
        )
    for name in fields:
        if name not in known:
            return TypeError(no_such_field(name, cls, known))
    for name, field in known.items():
        if name not in fields and field.default is dataclasses.MISSING:
            return TypeError(f"`{name}` must be given for {cls}, and is missing. It has {names}.")
    return None


def no_such_field(name: object, of: str, known: Iterable[str]) -> str:
    """Returns the message for a name that is no field, with the names that are."""
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1)
    guess = f"Did you mean `{near[0]}`? " if near and _is_meant(str(name), near[0]) else ""
    names = ", ".join(f"`{each}`" for each in known)
    return f"`{name}` must be a field of {of}, which has none so named. {guess}It has {names}."


def _is_meant(name: str, near: str) -> bool:
    """Tells `end_value` from a misspelt `peak_value`: only the word that they share is alike."""
    own, _, last = name.rpartition("_")
    other, _, other_last = near.rpartition("_")
    if last != other_last or not own or not other:
        return True
    return difflib.SequenceMatcher(None, own, other).ratio() >= 0.6


def _shown(values: Sequence[Any]) -> str:
    return ", ".join(map(repr, values))

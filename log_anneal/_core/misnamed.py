"""The error of a constructor that was given a wrong name."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
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
            near = difflib.get_close_matches(name, known, n=1)
            way_out = f"Did you mean `{near[0]}`?" if near else f"It has {names}."
            return TypeError(
                f"`{name}` must be a field of {cls}, which has none so named. {way_out}"
            )
    for name, field in known.items():
        if name not in fields and field.default is dataclasses.MISSING:
            return TypeError(f"`{name}` must be given for {cls}, and is missing. It has {names}.")
    return None


def _shown(values: Sequence[Any]) -> str:
    return ", ".join(map(repr, values))

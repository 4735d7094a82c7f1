"""Changes: other values for some fields of a configuration. A dot leads into a part."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar

from train.checked import no_field
from train.errors import UserError

Changes: TypeAlias = Mapping[str, Any]
"""Values of a configuration's fields by their names, with dots: `{"model.name": "vgg16"}`."""
Choice: TypeAlias = Literal["keep", "stretch"]
"""What the rate follows in the steps by which a run gets longer.

keep: the schedule as it was. After its end, the rate is what the schedule itself says.
stretch: the schedule that a run of the new length has: all durations grow in proportion.
"""
_Part = TypeVar("_Part")


def changed(part: _Part, changes: Changes) -> _Part:
    """Returns a copy of a configuration, or of a part of one, with other values of some fields.

    Args:
      part: a Config, one of its parts, or a schedule.
      changes: values by the fields' names; a dot leads into a part.

    Raises:
      UserError: there is no such field, or a value breaks its rule.
    """
    if not isinstance(changes, Mapping):
        raise UserError(
            f"Changes must be values by the names of fields, got {changes!r}. "
            'Write {"epochs": 3}.'
        )
    result: _Part = _changed(part, changes, "")
    return result


def _changed(part: Any, changes: Changes, where: str) -> Any:
    """Returns a copy of the part that `where` leads to, such as "model.", with other values."""
    parts = parts_of(part)
    for name in changes:
        head = name.partition(".")[0]
        if head not in parts:
            raise no_field(head, type(part), list(parts))
    part = _replaced(
        part, {name: value for name, value in changes.items() if "." not in name}, where
    )
    inner: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        head, _, rest = name.partition(".")
        if rest:
            inner.setdefault(head, {})[rest] = value
    parts = parts_of(part)
    return _replaced(
        part,
        {head: _changed(parts[head], each, f"{where}{head}.") for head, each in inner.items()},
        where,
    )


def parts_of(part: Any) -> dict[str, Any]:
    """Returns the fields of a dataclass, or the places of a tuple, by their names."""
    if isinstance(part, tuple):
        return {str(place): each for place, each in enumerate(part)}
    if not dataclasses.is_dataclass(part):
        return {}
    return {each.name: getattr(part, each.name) for each in dataclasses.fields(part) if each.init}


def _replaced(part: Any, fields: Mapping[str, Any], where: str) -> Any:
    if not fields:
        return part
    if isinstance(part, tuple):
        return tuple(fields.get(str(place), each) for place, each in enumerate(part))
    try:
        # A schedule works out some of its fields from the others.
        replace = getattr(part, "replace", None)
        return replace(**fields) if replace else dataclasses.replace(part, **fields)
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        # The library names the field alone, as it stands in a file.
        said = re.sub(r"^`(?=\w)", f"`{where}", " ".join(str(error).split()))
        if not said.startswith("`"):
            whose = where.rstrip(".") or type(part).__name__
            said = f"`{whose}` with {', '.join(fields)}: {said}"
        raise UserError(said) from error

"""Changes: other values for some fields of a configuration. A dot leads into a part."""

import dataclasses
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
    for name in changes:
        head = name.partition(".")[0]
        names = (
            [field.name for field in dataclasses.fields(part)]
            if dataclasses.is_dataclass(part)
            else []
        )
        if head not in names:
            raise no_field(head, type(part), names)
    part = _replaced(part, {name: value for name, value in changes.items() if "." not in name})
    inner: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        head, _, rest = name.partition(".")
        if rest:
            inner.setdefault(head, {})[rest] = value
    return _replaced(
        part, {head: changed(getattr(part, head), each) for head, each in inner.items()}
    )


def _replaced(part: _Part, fields: Mapping[str, Any]) -> _Part:
    if not fields:
        return part
    try:
        # A schedule works out some of its fields from the others.
        replace = getattr(part, "replace", None)
        return replace(**fields) if replace else dataclasses.replace(part, **fields)  # type: ignore[type-var]
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        raise UserError(f"{type(part).__name__} with {', '.join(fields)}: {error}") from error

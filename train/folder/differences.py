"""The differences of two configurations, field by field, and the refusal that lists them."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from train.config import flatten
from train.errors import UserError
from train.folder import length as lengths
from train.folder.length import Length
from train.halt import Halt

Differences: TypeAlias = dict[str, tuple[str, str]]
"""The fields with different values, each with the folder's value and the new one, as JSON."""
_NOT_SET = "not set"


def differing(
    held: Mapping[str, Any], given: Mapping[str, Any], besides: Collection[str]
) -> Differences:
    """Returns the fields with different values.

    Args:
      held: the configuration that a folder holds.
      given: the new one.
      besides: the fields that are not compared.
    """
    # JSON turns a tuple into a list, as it did when the folder's configuration was written.
    old, new = (Halt.later() | flatten(each) for each in (held, json.loads(json.dumps(given))))
    names = [*old, *(name for name in new if name not in old)]
    missing = object()
    return {
        name: (_show(old, name), _show(new, name))
        for name in names
        if name not in besides and old.get(name, missing) != new.get(name, missing)
    }


def is_in(name: str, fields: Collection[str]) -> bool:
    """Tells whether a field, whose name may have dots, is one of some fields or part of one."""
    return name.split(".")[0] in fields


def value(shown: str) -> Any:
    """Returns the value that stands in the differences; None where the field was not set."""
    return None if shown == _NOT_SET else json.loads(shown)


def is_another(
    folder: Path, differences: Differences, adjustable: Collection[str], length: Length
) -> UserError:
    """Returns the refusal of a configuration that is not the one of a folder.

    Args:
      folder: the run's folder.
      differences: the fields that may not differ.
      adjustable: the fields that `--adjust-schedule` may change.
      length: of the run.
    """
    listed = "; ".join(
        f"{name} is {held} there and {given} here"
        for name, (held, given) in list(differences.items())[:8]
    )
    more = f"; and {len(differences) - 8} more" if len(differences) > 8 else ""
    way_out = "Choose another `--workdir`, or take those settings back"
    if all(is_in(name, adjustable) for name in differences):
        way_out += ", or go on with this schedule by `--adjust-schedule`"
    is_longer = "epochs" in differences and length.epochs > length.was
    if is_longer and all(is_in(name, {*adjustable, "epochs"}) for name in differences):
        way_out += f". {lengths.way_out(length.epochs)}"
    return UserError(
        f"`--workdir` must hold the run of this configuration, got {folder}, which holds "
        f"another: {listed}{more}. {way_out}."
    )


def _show(flat: Mapping[str, Any], name: str) -> str:
    return json.dumps(flat[name]) if name in flat else _NOT_SET

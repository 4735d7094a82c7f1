"""The run's folder: which configuration it belongs to."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.config import flatten
from train.errors import UserError
from train.files import set_aside, write_atomically

ADJUSTABLE = {"schedule", "schedule_unit"}
"""Fields that `--adjust-schedule` may change."""
FREE = {"data_dir"}
"""Fields that may change between two starts: where the data lie, but not which they are."""


def claim(workdir: Path, record: Mapping[str, Any], *, adjust_schedule: bool) -> None:
    """Writes `config.json` into a new folder, or holds it against the one that is there.

    Args:
      workdir: the run's folder, which exists.
      record: the configuration, as JSON takes it.
      adjust_schedule: accept another schedule, and nothing else; the old record is set aside.

    Raises:
      UserError: the folder holds something else, or another configuration.
    """
    path = workdir / "config.json"
    if not path.exists():
        if adjust_schedule:
            raise UserError(
                f"`--adjust-schedule` must go with a run that has begun, got {workdir}. "
                "Leave it out to begin one."
            )
        _write(path, record)
        return
    differences = _differences(_read(path), record)
    is_adjustable = {name.split(".")[0] for name in differences} <= ADJUSTABLE
    if adjust_schedule and differences and is_adjustable:
        set_aside(path, workdir / "set_aside")
        _write(path, record)
    elif differences:
        listed = "; ".join(
            f"{name} is {there} there and {here} here"
            for name, (there, here) in list(differences.items())[:8]
        )
        more = f"; and {len(differences) - 8} more" if len(differences) > 8 else ""
        way_out = "Choose another `--workdir`, or take those settings back"
        if is_adjustable:
            way_out += ", or go on with this schedule by `--adjust-schedule`"
        raise UserError(
            f"`--workdir` must hold the run of this configuration, got {workdir}, which holds "
            f"another: {listed}{more}. {way_out}."
        )
    elif adjust_schedule:
        raise UserError(
            "`--adjust-schedule` must come with another schedule, got the one the run has. "
            "Change a field, such as `--schedule.peak-value`."
        )


def make(workdir: Path) -> None:
    """Makes the folder.

    Raises:
      UserError: it cannot be made or written to.
    """
    try:
        workdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(workdir, str(error.strerror)) from error
    if not os.access(workdir, os.W_OK | os.X_OK):
        raise _unwritable(workdir, "no permission to write")


def _unwritable(workdir: Path, reason: str) -> UserError:
    return UserError(
        f"`--workdir` must be a folder that can be written to, got {workdir} ({reason}). "
        "Choose another."
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise UserError(
            f"`--workdir` must hold the config.json of a run, got {path}, which cannot be read. "
            "Put back a copy, or choose another `--workdir`."
        ) from error


def _write(path: Path, record: Mapping[str, Any]) -> None:
    write_atomically(path, (json.dumps(record, indent=2) + "\n").encode())


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    # Through JSON, so that a tuple is the list it was written as.
    flat = flatten(there), flatten(json.loads(json.dumps(here)))
    names = [*flat[0], *(name for name in flat[1] if name not in flat[0])]
    missing = object()
    return {
        name: (_show(flat[0], name), _show(flat[1], name))
        for name in names
        if name not in FREE and flat[0].get(name, missing) != flat[1].get(name, missing)
    }


def _show(flat: Mapping[str, Any], name: str) -> str:
    return json.dumps(flat[name]) if name in flat else "not set"

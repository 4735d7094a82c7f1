"""`config.json`: the record of a run, with its history. Each checkpoint's manifest holds it too."""

import dataclasses
import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from train.errors import UserError
from train.folder import sealed, steps
from train.folder.files import set_aside, write_json

FILE = "config.json"
SINCE, CHANGES, SCHEDULES = "schedule_from_step", "changes", "schedules"
EXTENSIONS, SCHEDULE_EPOCHS = "extensions", "schedule_epochs"
HISTORY = {SINCE, CHANGES, SCHEDULES, EXTENSIONS, SCHEDULE_EPOCHS}
"""The fields of the record that are none of the configuration."""
_LEAST = {"epochs", "schedule"}


@dataclasses.dataclass(frozen=True)
class Held:
    """The record that a folder holds."""

    content: Mapping[str, Any]
    """The configuration, with `HISTORY`. Of the latter, `SINCE` and `SCHEDULES` are always there.
    """
    mended: str = ""
    """The sentence that says why the record was taken from a checkpoint; empty: it was not."""
    is_of_before: bool = False
    """Whether an earlier release wrote it, without version and digest."""

    @property
    def settings(self) -> dict[str, Any]:
        """Returns the configuration alone."""
        return settings(self.content)


def settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the configuration in a record."""
    return {name: value for name, value in content.items() if name not in HISTORY}


def read(folder: Path) -> Held | None:
    """Reads the record of the run in a folder. It writes nothing.

    A record that is missing or damaged is taken from the newest checkpoint that has it.

    Args:
      folder: the run's folder.

    Returns:
      The record; None where there is neither a record nor a checkpoint.

    Raises:
      UserError: it cannot be read, and no checkpoint has it; or a newer release wrote it.
    """
    path, checkpoints = folder / FILE, folder / "checkpoints"
    try:
        content = sealed.read(path, may_be_old=True)
        if not content.keys() >= _LEAST or not {"model", "task"} & content.keys():
            raise sealed.Damaged("fields are missing")
        return Held(_with_history(content), is_of_before=SCHEDULES not in content)
    except sealed.Damaged as damage:
        why = damage
    for step, manifest in steps.manifests(checkpoints).items():
        if "record" in manifest:
            said = f"{path} is not as it was written ({why}); it is that of step {step} again"
            return Held(manifest["record"], mended=said)
    if path.exists():
        raise UserError(
            f"`--workdir` must hold the {FILE} of a run, got {path}, which cannot be read ({why}). "
            "Put back a copy, or choose another `--workdir`."
        )
    if steps.known(checkpoints):
        raise UserError(
            f"`--workdir` must hold {FILE} beside its checkpoints, got {folder}, which has lost "
            "it: which schedule its steps had, it alone tells. Put back a copy, as there may be in "
            "`set_aside`, or choose another `--workdir`."
        )
    return None


def write(folder: Path, content: Mapping[str, Any]) -> None:
    """Writes the record of a run. The one that was there is kept in `set_aside`."""
    path = folder / FILE
    if path.exists():
        copy = path.with_name("config.before.json")
        shutil.copy2(path, copy)
        set_aside(copy, folder / "set_aside")
    write_json(path, sealed.sealed(content))


def schedule_since(step: int, record: Mapping[str, Any], stretch: Fraction) -> dict[str, Any]:
    """Returns the entry of `SCHEDULES` for a schedule that is used from a step on.

    Args:
      step: the number of updates made before.
      record: the configuration, as values that JSON can hold.
      stretch: the factor by which all durations of the schedule are multiplied.
    """
    return {
        "from_step": step,
        "schedule": record["schedule"],
        "schedule_unit": record["schedule_unit"],
        "stretch": list(stretch.as_integer_ratio()),
    }


def _with_history(content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a record with the fields that those of earlier releases lack."""
    if SCHEDULES in content:
        return dict(content)
    since, pair = content.get(SINCE, 0), content.get(SCHEDULE_EPOCHS)
    stretch = Fraction(pair["stretched_to"], pair["written_for"]) if pair else Fraction(1)
    # Which schedule the first steps had, was not written down.
    unknown = [{"from_step": 0, "schedule": None}] if since else []
    return {
        **content,
        SINCE: since,
        SCHEDULES: [*unknown, schedule_since(since, content, stretch)],
    }

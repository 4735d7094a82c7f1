"""Holds a folder for one configuration, and records since which step its schedule is used."""

import dataclasses
import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from train.config import Config, digest
from train.errors import UserError
from train.folder import length as lengths
from train.folder.differences import differing, is_another, is_in, value
from train.folder.files import set_aside, write_atomically
from train.folder.length import Length

ADJUSTABLE = {"schedule", "schedule_unit"}
"""The fields that `--adjust-schedule` may change."""
FREE = {"data_dir"}
"""The fields that may change between two starts. The data may move, but must stay the same."""
CHANGEABLE = {
    *("halt", "engine", "cpu_devices"),
    *("chunk_steps", "eval_batch_size", "checkpoint_epochs"),
}
"""The fields that may change between two starts. Each change is said and recorded.

None of them changes what a step is; some change its last digits. Where each device has batch
statistics of its own, the number of devices does change a step, and stays.
"""
_SINCE, _CHANGES = "schedule_from_step", "changes"


@dataclasses.dataclass(frozen=True)
class Hold:
    """A start's hold on its folder: what it found there, and what it may write later."""

    folder: Path
    record: Mapping[str, Any]
    schedule_from_step: int
    """The step at which the schedule replaced another one; 0: it is the first."""
    is_new: bool
    is_adjusting: bool
    length: Length
    """The length of the run, and how it grew."""
    changes: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    """The fields that have other values than at the last start: those of then, and the new ones."""
    old_changes: Sequence[Mapping[str, Any]] = ()
    """The changes of earlier starts, as `config.json` holds them."""
    digests: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """The digests that checkpoints of this run may carry, with the length of it then, in epochs."""

    def says(self, step: int, total_steps: int) -> list[str]:
        """Returns a line for each change from this step on. Of a run that has ended, none counts.

        Args:
          step: the step of the state that was restored.
          total_steps: the number of steps of the run.
        """
        if step >= total_steps:
            return []
        changes = [
            f"{name} was {before} and is {now} from step {step} on"
            for name, (before, now) in self.changes.items()
        ]
        return [*changes, *self.length.says(step)]

    def settle(self, step: int, total_steps: int) -> int:
        """Writes `config.json` if it is new or has changed. An old one is kept in `set_aside`.

        Args:
          step: the step of the state that was restored.
          total_steps: the number of steps of the run.

        Returns:
          The step at which the schedule replaced another one.

        Raises:
          UserError: the run has ended, so that no schedule can change it.
        """
        if self.is_adjusting and step >= total_steps:
            raise UserError(
                f"`--adjust-schedule` must go with a run that has steps left, got {self.folder}, "
                f"which has made all {total_steps}. Give it more `--epochs` by `--extend keep`, or "
                "choose another `--workdir`."
            )
        is_other = self.is_adjusting or self.length.choice == "stretch"
        since = step if is_other else self.schedule_from_step
        has_changed = bool(self.says(step, total_steps))
        if self.is_new or self.is_adjusting or has_changed:
            path = self.folder / "config.json"
            if path.exists():
                copy = path.with_name("config.before.json")
                shutil.copy2(path, copy)
                set_aside(copy, self.folder / "set_aside")
            changes = list(self.old_changes)
            if has_changed and self.changes:
                was = {name: value(before) for name, (before, _) in self.changes.items()}
                changes.append({"step": step, "was": was})
            more = {_SINCE: since} | ({_CHANGES: changes} if changes else {})
            more |= self.length.record(step)
            content = json.dumps({**self.record, **more}, indent=2, allow_nan=False)
            write_atomically(path, f"{content}\n".encode())
        return since


def settings_sha256(config: Config, *, besides: Collection[str] = ()) -> str:
    """Returns the SHA-256 of a run's settings, in hex. The place of the data does not count.

    Args:
      config: of the run.
      besides: further fields that do not count.
    """
    return _digest_without(config.to_dict(), {*FREE, *besides})


def hold(
    folder: Path,
    record: Mapping[str, Any],
    *,
    adjust_schedule: bool,
    length: Length | None = None,
    before: Mapping[str, Any] | None = None,
) -> Hold:
    """Compares a configuration with the one that the folder belongs to. It writes nothing.

    A change of a field in `CHANGEABLE` is accepted.

    Args:
      folder: the run's folder, which exists.
      record: the configuration, as values that JSON can hold.
      adjust_schedule: accept another schedule, but no other change. The schedule that the run
        already has is accepted too, so that the same command can be given again.
      length: as `train.folder.length.read` gives it; None: the run does not get longer.
      before: the schedule as a record describes it at the length of the last start, since what
        tells a function from others depends on the length; None: as `record` describes it.

    Raises:
      UserError: the folder belongs to another configuration.
    """
    length = length or lengths.read(folder, record)
    if not (path := folder / "config.json").exists():
        if adjust_schedule:
            raise UserError(
                f"`--adjust-schedule` must go with a run that has begun, got {folder}. "
                "Leave it out to begin one."
            )
        if any((folder / "checkpoints").glob("[0-9]*")):
            raise UserError(
                f"`--workdir` must hold config.json beside its checkpoints, got {folder}, which "
                "has lost it: which schedule its steps had, it alone tells. Put back a copy, as "
                "there may be in `set_aside`, or choose another `--workdir`."
            )
        return Hold(folder, record, 0, is_new=True, is_adjusting=False, length=length)

    held = lengths.read_record(path)
    since, old_changes = held.pop(_SINCE, 0), held.pop(_CHANGES, ())
    for name in (lengths.EXTENSIONS, lengths.SCHEDULE_EPOCHS):
        held.pop(name, None)
    given = {**record, "schedule": before or record["schedule"]}
    if length.choice is not None:
        given["epochs"] = length.was
    differences = differing(held, given, FREE)
    may_change = changeable(record)
    if held.get("data_sha256", "") == record.get("data_sha256"):
        may_change = may_change | {"dataset"}  # the same images at another place, as of a folder
    changes = {name: differences.pop(name) for name in [*differences] if is_in(name, may_change)}
    is_adjustable = all(is_in(name, ADJUSTABLE) for name in differences)
    if differences and not (adjust_schedule and is_adjustable):
        raise is_another(folder, differences, ADJUSTABLE, length)
    if differences and length.choice == "stretch":
        raise UserError(
            "`--extend` must be keep where `--adjust-schedule` gives another schedule, got "
            f"stretch. Write the schedule for {length.epochs} epochs, and take `--extend keep`."
        )
    return Hold(
        folder,
        record,
        since,
        is_new=False,
        is_adjusting=bool(differences),
        length=length,
        changes=changes,
        old_changes=old_changes,
        digests=known_digests(folder, record),
    )


def known_digests(folder: Path, record: Mapping[str, Any]) -> dict[str, int]:
    """Returns the digests that checkpoints of a run may carry, with its length then, in epochs.

    There are two of each length: the second is from the time when no field could change between two
    starts. Of a folder without a record there are none.

    Args:
      folder: the run's folder.
      record: the configuration, as values that JSON can hold.
    """
    path, found = folder / "config.json", dict[str, int]()
    if path.exists():
        held = lengths.read_record(path)
        added = {_SINCE, _CHANGES, lengths.EXTENSIONS, lengths.SCHEDULE_EPOCHS}
        for epochs in lengths.read(folder, record).all_epochs:
            before = {**held, "epochs": epochs}
            found[_digest_without(before, ADJUSTABLE | FREE | added)] = epochs
            found[fixed_digest({**record, "epochs": epochs})] = epochs
    return found


def fixed_digest(record: Mapping[str, Any]) -> str:
    """Returns the digest of the settings that stay the same at every start of a run."""
    # The digest of the data stands in the record, so that its name need not stay.
    return _digest_without(record, ADJUSTABLE | FREE | CHANGEABLE | {"dataset"})


def changeable(record: Mapping[str, Any]) -> set[str]:
    """Returns the fields that may change between two starts of a run.

    Args:
      record: the configuration, as values that JSON can hold.
    """
    # The statistics of a network or a task of the user's own are those of each device.
    part = record.get("task") or record["model"]
    is_local = part.get("batch_norm") == "local" or {"builder", "source_sha256"} & part.keys()
    return CHANGEABLE - ({"cpu_devices"} if is_local else set())


def _digest_without(record: Mapping[str, Any], names: Collection[str]) -> str:
    return digest({name: value for name, value in record.items() if name not in names})


def make_folder(folder: Path) -> None:
    """Makes the folder, if it is absent.

    Raises:
      UserError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, str(error.strerror)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder, "no permission to write")


def _unwritable(folder: Path, reason: str) -> UserError:
    return UserError(
        f"`--workdir` must be a folder that can be written to, got {folder} ({reason}). "
        "Choose another."
    )

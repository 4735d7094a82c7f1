"""Holds a folder for one configuration, and records since which step its schedule is used."""

import dataclasses
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from train.atomic_file import flush_names
from train.config import Config, digest
from train.dtype import dtype_of
from train.errors import UserError
from train.folder import length as lengths
from train.folder import record as records
from train.folder.differences import differing, is_another, is_in, value
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


@dataclasses.dataclass(frozen=True)
class Hold:
    """A start's hold on its folder: what it found there, and what it may write later."""

    folder: Path
    record: Mapping[str, Any]
    """The configuration of this start, as values that JSON can hold."""
    held: records.Held | None
    """The record that the folder holds; None: the run is new."""
    is_adjusting: bool
    length: Length
    """The length of the run, and how it grew."""
    changes: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    """The fields that have other values than at the last start: those of then, and the new ones."""

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

    def settle(self, step: int, total_steps: int) -> Mapping[str, Any]:
        """Writes `config.json` if it is new or has changed. An old one is kept in `set_aside`.

        Args:
          step: the step of the state that was restored.
          total_steps: the number of steps of the run.

        Returns:
          The record as it is from now on: the configuration, and its history.

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
        if self.held is None or is_other or self.says(step, total_steps):
            content = self._content(step, is_other=is_other)
        elif self.held.mended or self.held.is_of_before:
            content = with_dtype(self.held.content)
        else:
            return self.held.content
        records.write(self.folder, content)
        return content

    def _content(self, step: int, *, is_other: bool) -> dict[str, Any]:
        """Returns the record from a step on, at which the schedule may become another one."""
        old: Mapping[str, Any] = {records.SINCE: 0} if self.held is None else self.held.content
        schedules = old.get(records.SCHEDULES, [])
        since = step if is_other else old[records.SINCE]
        if is_other or self.held is None:
            schedules = [each for each in schedules if each["from_step"] < since]
            schedules.append(records.schedule_since(since, self.record, self.length.stretch))
        content = {**self.record, records.SINCE: since, records.SCHEDULES: schedules}
        changes = list(old.get(records.CHANGES, ()))
        if self.changes:
            was = {name: value(before) for name, (before, _) in self.changes.items()}
            changes.append({"step": step, "was": was})
        return {
            **content,
            **({records.CHANGES: changes} if changes else {}),
            **self.length.record(step),
        }


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
    found = records.read(folder)
    if found is None:
        if adjust_schedule:
            raise UserError(
                f"`--adjust-schedule` must go with a run that has begun, got {folder}. "
                "Leave it out to begin one."
            )
        return Hold(folder, record, None, is_adjusting=False, length=length)

    held = with_dtype(found.settings)
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
        folder, record, found, is_adjusting=bool(differences), length=length, changes=changes
    )


def with_dtype(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a record with the type that its `auto` means here, which those of before have."""
    model = record.get("model", {})
    if "dtype" not in model:  # of a network of the user's own, or another task
        return dict(record)
    return {**record, "model": {**model, "dtype": dtype_of(model["dtype"])}}


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
        flush_names(folder.parent)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "no permission to write"
    except (FileExistsError, NotADirectoryError):
        reason = "a file is there"
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise UserError(
            f"`--workdir` must be a folder that can be written to, got {folder} ({reason}). "
            "Choose another."
        )

"""Holds a folder for one configuration, and records since which step its schedule is used."""

import dataclasses
import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from train.config import Config, digest, flatten
from train.errors import UserError
from train.folder.files import set_aside, write_atomically

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
_NOT_SET = "not set"
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
    changes: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    """The fields that have other values than at the last start: those of then, and the new ones."""
    old_changes: Sequence[Mapping[str, Any]] = ()
    """The changes of earlier starts, as `config.json` holds them."""
    old_digest: str | None = None
    """The digest in checkpoints from the time when no field could change between two starts."""

    def says(self, step: int, total_steps: int) -> list[str]:
        """Returns a line for each change from this step on. Of a run that has ended, none counts.

        Args:
          step: the step of the state that was restored.
          total_steps: the number of steps of the run.
        """
        return [
            f"{name} was {before} and is {now} from step {step} on"
            for name, (before, now) in self.changes.items()
            if step < total_steps
        ]

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
                f"which has made all {total_steps}. Choose another `--workdir`."
            )
        since = step if self.is_adjusting else self.schedule_from_step
        has_changed = bool(self.says(step, total_steps))
        if self.is_new or self.is_adjusting or has_changed:
            path = self.folder / "config.json"
            if path.exists():
                copy = path.with_name("config.before.json")
                shutil.copy2(path, copy)
                set_aside(copy, self.folder / "set_aside")
            changes = list(self.old_changes)
            if has_changed:
                was = {name: _parsed(before) for name, (before, _) in self.changes.items()}
                changes.append({"step": step, "was": was})
            more = {_SINCE: since} | ({_CHANGES: changes} if changes else {})
            content = json.dumps({**self.record, **more}, indent=2, allow_nan=False)
            write_atomically(path, f"{content}\n".encode())
        return since


def settings_sha256(config: Config) -> str:
    """Returns the SHA-256 of a run's settings, in hex. The place of the data does not count."""
    return _digest_without(config.to_dict(), FREE)


def hold(folder: Path, record: Mapping[str, Any], *, adjust_schedule: bool) -> Hold:
    """Compares a configuration with the one that the folder belongs to. It writes nothing.

    A change of a field in `CHANGEABLE` is accepted.

    Args:
      folder: the run's folder, which exists.
      record: the configuration, as values that JSON can hold.
      adjust_schedule: accept another schedule, but no other change. The schedule that the run
        already has is accepted too, so that the same command can be given again.

    Raises:
      UserError: the folder belongs to another configuration.
    """
    path = folder / "config.json"
    if not path.exists():
        if adjust_schedule:
            raise UserError(
                f"`--adjust-schedule` must go with a run that has begun, got {folder}. "
                "Leave it out to begin one."
            )
        return Hold(folder, record, 0, is_new=True, is_adjusting=False)

    held = _read(path)
    since, old_changes = held.pop(_SINCE, 0), held.pop(_CHANGES, ())
    differences = _differing_fields(held, record)
    may_change = _changeable(record)
    if held.get("data_sha256", "") == record.get("data_sha256"):
        may_change = may_change | {"dataset"}  # the same images at another place, as of a folder
    changes = {name: differences.pop(name) for name in [*differences] if _is_in(name, may_change)}
    is_adjustable = all(_is_in(name, ADJUSTABLE) for name in differences)
    if differences and not (adjust_schedule and is_adjustable):
        raise _is_another(folder, differences, is_adjustable)
    return Hold(
        folder,
        record,
        since,
        is_new=False,
        is_adjusting=bool(differences),
        changes=changes,
        old_changes=old_changes,
        old_digest=_digest_without(held, ADJUSTABLE | FREE),
    )


def fixed_digest(record: Mapping[str, Any]) -> str:
    """Returns the digest of the settings that stay the same at every start of a run."""
    # The digest of the data stands in the record, so that its name need not stay.
    return _digest_without(record, ADJUSTABLE | FREE | CHANGEABLE | {"dataset"})


def _changeable(record: Mapping[str, Any]) -> set[str]:
    # The statistics of a network of the user's own are those of each device.
    is_local = record["model"].get("batch_norm", "local") == "local"
    return CHANGEABLE - ({"cpu_devices"} if is_local else set())


def _digest_without(record: Mapping[str, Any], names: Collection[str]) -> str:
    return digest({name: value for name, value in record.items() if name not in names})


def _is_in(name: str, fields: Collection[str]) -> bool:
    return name.split(".")[0] in fields


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


def _is_another(
    folder: Path, differences: dict[str, tuple[str, str]], is_adjustable: bool
) -> UserError:
    listed = "; ".join(
        f"{name} is {held} there and {given} here"
        for name, (held, given) in list(differences.items())[:8]
    )
    more = f"; and {len(differences) - 8} more" if len(differences) > 8 else ""
    way_out = "Choose another `--workdir`, or take those settings back"
    if is_adjustable:
        way_out += ", or go on with this schedule by `--adjust-schedule`"
    return UserError(
        f"`--workdir` must hold the run of this configuration, got {folder}, which holds "
        f"another: {listed}{more}. {way_out}."
    )


def _unwritable(folder: Path, reason: str) -> UserError:
    return UserError(
        f"`--workdir` must be a folder that can be written to, got {folder} ({reason}). "
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


def _differing_fields(
    held: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """Returns the fields with different values, each with the folder's value and the new one."""
    # JSON turns a tuple into a list, as it did when the folder's configuration was written.
    old, new = flatten(held), flatten(json.loads(json.dumps(given)))
    names = [*old, *(name for name in new if name not in old)]
    missing = object()
    return {
        name: (_show(old, name), _show(new, name))
        for name in names
        if name not in FREE and old.get(name, missing) != new.get(name, missing)
    }


def _parsed(shown: str) -> Any:
    return None if shown == _NOT_SET else json.loads(shown)


def _show(flat: Mapping[str, Any], name: str) -> str:
    return json.dumps(flat[name]) if name in flat else _NOT_SET

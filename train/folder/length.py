"""The length of a run: how it grew, and for which length its schedule was written."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from train.changes import Choice
from train.errors import UserError

EXTENSIONS, SCHEDULE_EPOCHS = "extensions", "schedule_epochs"
"""The fields of `config.json` that only a run has that was lengthened."""


@dataclasses.dataclass(frozen=True)
class Length:
    """How long a run is, was, and how far its schedule is stretched. All of it is in epochs."""

    epochs: int
    """The length of the run from this start on, in epochs."""
    was: int
    """The length at the last start, in epochs; of a new run it is the same."""
    written_for: int
    """The length for which the schedule was written, in epochs."""
    stretched_to: int
    """The length to which the schedule is stretched, in epochs."""
    choice: Choice | None = None
    """The choice with which the run gets longer at this start; None: it does not."""
    history: Sequence[Mapping[str, Any]] = ()
    """The extensions at earlier starts, as `config.json` holds them."""

    @property
    def stretch(self) -> Fraction:
        """Returns the factor by which the durations of the schedule are multiplied."""
        return Fraction(self.stretched_to, self.written_for)

    @property
    def all_epochs(self) -> set[int]:
        """Returns every length that the run has had: a checkpoint may be of any of them."""
        return {self.epochs, self.was, *(each["was"] for each in self.history)}

    def says(self, step: int) -> list[str]:
        """Returns the line that tells of an extension at this start, if there is one."""
        if self.choice is None:
            return []
        rate = "goes on as its schedule is written"
        if self.choice == "stretch":
            rate = f"follows its schedule stretched from {self.written_for} to {self.epochs} epochs"
        return [
            f"epochs was {self.was} and is {self.epochs} from step {step} on, where the rate {rate}"
        ]

    def record(self, step: int) -> dict[str, Any]:
        """Returns the fields of `config.json`; none of a run that was never lengthened.

        Args:
          step: the step at which this start goes on.
        """
        extensions = [*self.history]
        if self.choice is not None:
            new = {"step": step, "was": self.was, "is": self.epochs, "schedule": self.choice}
            extensions.append(new)
        if not extensions:
            return {}
        pair = {"written_for": self.written_for, "stretched_to": self.stretched_to}
        return {EXTENSIONS: extensions, SCHEDULE_EPOCHS: pair}


def read(folder: Path, settings: Mapping[str, Any], extend: Choice | None = None) -> Length:
    """Compares the length that is asked for with that of the run in a folder. It writes nothing.

    Another length without `extend` is no fault here: `train.folder.workdir.hold` refuses it, as it
    does any other setting.

    Args:
      folder: the run's folder.
      settings: the configuration, as values that JSON can hold.
      extend: how the schedule goes on if the run gets longer. The choice with which the run was
        lengthened is accepted again, so that the same command can be given again.

    Raises:
      UserError: the run cannot be lengthened in this way.
    """
    epochs, path = settings["epochs"], folder / "config.json"
    if not path.exists():
        if extend is not None:
            raise UserError(
                f"`--extend` must go with a run that has begun, got {folder}. "
                "Leave it out to begin one."
            )
        return Length(epochs, epochs, epochs, epochs)

    held = read_record(path)
    was, history = held.get("epochs", epochs), held.get(EXTENSIONS, [])
    pair = held.get(SCHEDULE_EPOCHS, {"written_for": was, "stretched_to": was})
    if _is_other_schedule(held, settings):
        # If it is accepted, it is written for the length that the run has now.
        pair = {"written_for": epochs, "stretched_to": epochs}
    length = Length(epochs, was, **pair, history=history)
    if extend is None:
        return length
    if epochs == was and history:
        _refuse_other_choice(extend, history[-1])
        return length
    _refuse_wrong(folder, held, epochs, extend)
    stretched_to = epochs if extend == "stretch" else length.stretched_to
    return dataclasses.replace(length, choice=extend, stretched_to=stretched_to)


def way_out(epochs: int) -> str:
    """Returns the sentence that offers `--extend` to somebody who asks for more epochs."""
    return (
        "To lengthen the run, add `--extend keep`: the rate goes on as the schedule is written; or "
        f"`--extend stretch`: from here on it follows the schedule stretched to {epochs} epochs"
    )


def read_record(path: Path) -> dict[str, Any]:
    """Reads the `config.json` of a run.

    Raises:
      UserError: it cannot be read.
    """
    try:
        record = dict(json.loads(path.read_bytes()))
        if not record.keys() >= {"epochs", "schedule"} or not {"model", "task"} & record.keys():
            raise ValueError("fields are missing")
        return record
    except (ValueError, TypeError) as error:
        raise UserError(
            f"`--workdir` must hold the config.json of a run, got {path}, which cannot be read. "
            "Put back a copy, or choose another `--workdir`."
        ) from error


def _is_other_schedule(held: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    # JSON turns a tuple into a list, as it did when the folder's configuration was written.
    new = json.loads(json.dumps({"schedule": settings["schedule"]}))["schedule"]
    old = held.get("schedule", {})
    if "callable" in old and "callable" in new:
        return False  # their digests are of so many values as a run has steps, and none stretches
    return bool(new != old or settings["schedule_unit"] != held.get("schedule_unit"))


def _refuse_other_choice(extend: Choice, last: Mapping[str, Any]) -> None:
    if extend != last["schedule"]:
        raise UserError(
            f"`--extend` must stay {last['schedule']}, with which the run was lengthened from "
            f"{last['was']} to {last['is']} epochs at step {last['step']}, got {extend}. "
            f"Take `--extend {last['schedule']}`, or leave it out."
        )


def _refuse_wrong(folder: Path, held: Mapping[str, Any], epochs: int, extend: Choice) -> None:
    was = held["epochs"]
    if epochs <= was:
        raise UserError(
            f"`--epochs` must be above the {was} epochs of the run where `--extend` is given, got "
            f"{epochs}. Take more, or leave `--extend` out and take {was}."
        )
    if study := next((up for up in folder.resolve().parents if (up / "study.json").exists()), None):
        raise UserError(
            f"`--extend` must go with a run that is no part of a study, got {folder}, which lies "
            f"in the study {study}. Begin a study with more epochs in another folder, or copy the "
            "run out of it and extend the copy."
        )
    if extend == "stretch" and "callable" in held["schedule"]:
        raise UserError(
            "`--extend` must be keep where the schedule is a function, which cannot be stretched, "
            "got stretch. Take `--extend keep`, and if need be another function by "
            "`--adjust-schedule` too."
        )

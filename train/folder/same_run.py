"""Whether a checkpoint is of the run in its folder: the fields in which it differs are named."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from train.config import digest
from train.errors import UserError
from train.folder import record as records
from train.folder.differences import Differences, differing, is_in
from train.folder.workdir import ADJUSTABLE, CHANGEABLE, FREE, changeable

_MOST = 8
_WAY_OUT = "Choose another `--workdir`, or the settings it was trained with."


@dataclasses.dataclass(frozen=True)
class SameRun:
    """What the checkpoints of a run have in common."""

    held: Mapping[str, Any]
    """The record that the folder holds, as `train.folder.record.read` gives it."""
    record: Mapping[str, Any]
    """The configuration of this start, as values that JSON can hold."""

    def epochs(self, manifest: Mapping[str, Any]) -> int:
        """Returns the length of the run when a checkpoint was saved, in epochs.

        Args:
          manifest: of the checkpoint.

        Raises:
          UserError: the checkpoint is of another run.
        """
        if "record" not in manifest:
            return self._epochs_of_before(manifest)
        saved = manifest["record"]
        may_differ = ADJUSTABLE | changeable(self.record) | {"dataset"}
        differences = differing(records.settings(saved), self.record, FREE)
        differences = {
            name: pair
            for name, pair in differences.items()
            if not is_in(name, may_differ)
            and not (name == "epochs" and saved["epochs"] in self._all_epochs())
        }
        differences |= self._other_schedules(manifest)
        if differences:
            raise self._is_of_another(manifest["step"], differences)
        return int(saved["epochs"])

    def _all_epochs(self) -> set[int]:
        """Returns every length that the run has had: a checkpoint may be of any of them."""
        before = (each["was"] for each in self.held.get(records.EXTENSIONS, ()))
        return {self.record["epochs"], self.held["epochs"], *before}

    def _other_schedules(self, manifest: Mapping[str, Any]) -> Differences:
        """Returns the differences of the first schedule that is not the one of the same steps."""
        theirs, ours = (
            [each for each in of[records.SCHEDULES] if each["from_step"] < manifest["step"]]
            for of in (manifest["record"], self.held)
        )
        if len(theirs) != len(ours) and all(each["schedule"] for each in ours):
            number = {"changes of schedule": len(theirs) - 1}
            return differing(number, {"changes of schedule": len(ours) - 1}, ())
        for its, own in zip(theirs, ours, strict=False):
            if own["schedule"] and (found := differing(its, own, ())):
                return found
        return {}

    def _epochs_of_before(self, manifest: Mapping[str, Any]) -> int:
        """Returns the length by the digest that the manifests of before have of the settings."""
        for epochs in self._all_epochs():
            settings = {**records.settings(self.held), "epochs": epochs}
            # The second is from the time when no field could change between two starts.
            for fixed in (ADJUSTABLE | FREE | CHANGEABLE | {"dataset"}, ADJUSTABLE | FREE):
                if manifest["config_digest"] == _digest_without(settings, fixed):
                    return epochs
        raise UserError(
            f"The checkpoint of step {manifest['step']} is of another run: the configuration has "
            f"another digest, and it is too old to hold the fields themselves. {_WAY_OUT}"
        )

    def _is_of_another(self, step: int, differences: Differences) -> UserError:
        listed = "; ".join(
            f"{name} is {theirs} in it and {ours} here"
            for name, (theirs, ours) in list(differences.items())[:_MOST]
        )
        more = f"; and {len(differences) - _MOST} more" if len(differences) > _MOST else ""
        return UserError(
            f"The checkpoint of step {step} is of another run: {listed}{more}. {_WAY_OUT}"
        )


def _digest_without(record: Mapping[str, Any], names: Collection[str]) -> str:
    return digest({name: value for name, value in record.items() if name not in names})

"""The folders of a run's checkpoints, which the steps name."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from train.atomic_file import flush_names
from train.folder import manifest, sealed
from train.folder.files import set_aside


def known(checkpoints: Path) -> list[int]:
    """Returns the steps of the checkpoints in a folder, which need not exist."""
    names = [path.name for path in checkpoints.glob("*") if path.name.isdecimal()]
    return [int(name) for name in names if name == str(int(name))]


def manifests(checkpoints: Path) -> dict[int, dict[str, Any]]:
    """Returns the manifests that can be read in a folder, by their steps, the newest first."""
    found = {}
    for step in sorted(known(checkpoints), reverse=True):
        try:
            found[step] = manifest.read(checkpoints / str(step))
        except sealed.Damaged:
            continue  # a restore says so
    return found


def without_manifest(checkpoints: Path) -> dict[int, str]:
    """Returns the steps of the checkpoints whose manifests cannot be read, and why."""
    found = {}
    for step in known(checkpoints):
        try:
            manifest.read(checkpoints / str(step))
        except sealed.Damaged as damage:
            found[step] = f"its manifest: {damage}"
    return found


def discard(checkpoints: Path, steps: Iterable[int]) -> None:
    """Deletes the checkpoints of some steps. Each goes by one rename: a kill leaves no half of it.

    Args:
        checkpoints: the folder of all checkpoints of a run.
        steps: the steps of those that go.
    """
    gone = checkpoints / "todelete"
    shutil.rmtree(gone, ignore_errors=True)
    for step in steps:
        gone.mkdir(exist_ok=True)
        (checkpoints / str(step)).rename(gone / str(step))
    flush_names(checkpoints)
    shutil.rmtree(gone, ignore_errors=True)


def put_back_renamed(checkpoints: Path) -> None:
    """Gives checkpoints their names back whose folders were renamed to other steps, and says so."""
    for step, found in manifests(checkpoints).items():
        here, true = checkpoints / str(step), checkpoints / str(found["step"])
        if here == true:
            continue
        if true.exists():
            true = set_aside(here, checkpoints / "set_aside")
        else:
            here.rename(true)
            flush_names(checkpoints)
        print(
            f"warning: {here} holds the checkpoint of step {found['step']}; moved to {true}",
            file=sys.stderr,
        )

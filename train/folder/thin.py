"""Deletes old checkpoints of a run that has ended."""

from pathlib import Path

from train.folder import steps


def thin(checkpoints: Path) -> None:
    """Deletes all checkpoints of a run except the newest.

    Args:
        checkpoints: the folder of the checkpoints. It need not exist.
    """
    if checkpoints.exists():
        steps.discard(checkpoints, sorted(steps.known(checkpoints))[:-1])

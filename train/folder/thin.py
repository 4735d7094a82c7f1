"""Deletes old checkpoints of a run that has ended."""

import shutil
from pathlib import Path


def thin(checkpoints: Path) -> None:
    """Deletes all checkpoints of a run except the newest.

    Args:
        checkpoints: the folder of the checkpoints. It need not exist.
    """
    steps = {int(path.name): path for path in checkpoints.glob("*") if path.name.isdecimal()}
    for step in sorted(steps)[:-1]:
        shutil.rmtree(steps[step])

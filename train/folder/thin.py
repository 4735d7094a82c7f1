"""Fewer checkpoints of a run that has ended."""

import shutil
from pathlib import Path


def thin(checkpoints: Path) -> None:
    """Deletes the checkpoints of a run that has ended, but the newest.

    Args:
        checkpoints: their folder; it need not exist.
    """
    steps = {int(path.name): path for path in checkpoints.glob("*") if path.name.isdecimal()}
    for step in sorted(steps)[:-1]:
        shutil.rmtree(steps[step])

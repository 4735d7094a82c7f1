"""Goes back to an older checkpoint of a run."""

import shutil
from pathlib import Path

import numpy as np

from train.errors import UserError
from train.folder import steps
from train.folder.files import set_aside

_LINES = ("metrics.jsonl", "bad_steps.jsonl")


def choose(folder: Path, step: int) -> None:
    """Refuses a step of which the run has no checkpoint.

    Raises:
      UserError: there is none.
    """
    known = sorted(steps.known(folder / "checkpoints"))
    if step not in known:
        there = f"which has those of {_listed(known)}" if known else "which has none"
        way_out = "Name one of them." if known else "Leave it out to begin the run."
        raise UserError(
            f"`--from-step` must be the step of a checkpoint, got {step} in {folder}, {there}. "
            + way_out
        )


def leave_newer(folder: Path, step: int) -> list[str]:
    """Moves what is newer than a step to `set_aside`, and returns a line that says so.

    Args:
      folder: the run's folder.
      step: the step of the checkpoint that the run goes on from.
    """
    checkpoints = folder / "checkpoints"
    newer = sorted(each for each in steps.known(checkpoints) if each > step)
    if not newer:
        return []
    for name in _LINES:
        path = folder / name
        if path.exists():
            copy = path.with_name(f"{path.stem}.before{path.suffix}")
            shutil.copy2(path, copy)
            set_aside(copy, folder / "set_aside")
    # The newest goes first, so that a kill in between leaves no gap. The logs are cut after that.
    for each in reversed(newer):
        set_aside(checkpoints / str(each), checkpoints / "set_aside")
    are = "checkpoint is" if len(newer) == 1 else "checkpoints are"
    return [
        f"the steps after {step} are made anew; the {are} in checkpoints/set_aside, and the lines "
        "in set_aside"
    ]


def rates_of_before(folder: Path, step: int) -> np.ndarray | None:
    """Returns the rates of all steps up to one, as earlier releases wrote them: float32, [step].

    None: there is no such file, or it is not whole.
    """
    try:
        rates = np.load(folder / f"rates_until_{step}.npy", allow_pickle=False)
    except (OSError, ValueError):
        return None
    is_whole = rates.shape == (step,) and rates.dtype == np.float32 and np.isfinite(rates).all()
    return rates if is_whole else None


def _listed(steps: list[int]) -> str:
    *first, last = map(str, steps)
    return f"{', '.join(first)} and {last}" if first else last

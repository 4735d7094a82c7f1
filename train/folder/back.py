"""Goes back to an older checkpoint of a run, and knows the rates that its steps have had."""

import io
import json
import shutil
from pathlib import Path

import numpy as np

from train.errors import UserError
from train.folder.files import set_aside, write_atomically
from train.folder.log import column, read_metrics

_LINES = ("metrics.jsonl", "bad_steps.jsonl")


def choose(folder: Path, step: int) -> None:
    """Refuses a step of which the run has no checkpoint.

    Raises:
      UserError: there is none.
    """
    steps = _steps(folder)
    if step not in steps:
        there = f"which has those of {_listed(steps)}" if steps else "which has none"
        way_out = "Name one of them." if steps else "Leave it out to begin the run."
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
    newer = [each for each in _steps(folder) if each > step]
    if not newer:
        return []
    for name in _LINES:
        path = folder / name
        if path.exists():
            copy = path.with_name(f"{path.stem}.before{path.suffix}")
            shutil.copy2(path, copy)
            set_aside(copy, folder / "set_aside")
            kept = [line for line in read_metrics(path) if line["step"] <= step]
            write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
    # The newest goes first, so that a kill in between leaves no gap.
    for each in reversed(newer):
        set_aside(folder / "checkpoints" / str(each), folder / "checkpoints" / "set_aside")
    are = "checkpoint is" if len(newer) == 1 else "checkpoints are"
    return [
        f"the steps after {step} are made anew; the {are} in checkpoints/set_aside, and the lines "
        "in set_aside"
    ]


def keep_rates(folder: Path, step: int) -> None:
    """Writes down the rates of all steps up to one, since which the schedule is another.

    If the run falls back behind that step, they are made at the same rates as before.
    """
    content = io.BytesIO()
    np.save(content, _logged(folder, step))
    write_atomically(_file(folder, step), content.getvalue())


def rates_until(folder: Path, step: int) -> np.ndarray | None:
    """Returns the rates of all steps up to one, as `keep_rates` wrote them: float32, [step].

    None: a release that did not write them changed the schedule, and the log has lost them since.
    """
    path = _file(folder, step)
    rates: np.ndarray = np.load(path) if path.exists() else _logged(folder, step)
    return rates if len(rates) == step and np.isfinite(rates).all() else None


def _logged(folder: Path, step: int) -> np.ndarray:
    path = folder / "metrics.jsonl"
    lines = read_metrics(path) if path.exists() else []
    made = [line for line in lines if line["kind"] == "train" and line["step"] <= step]
    return column(made, "learning_rate").astype(np.float32)


def _file(folder: Path, step: int) -> Path:
    return folder / f"rates_until_{step}.npy"


def _steps(folder: Path) -> list[int]:
    paths = (folder / "checkpoints").glob("*")
    return sorted(int(path.name) for path in paths if path.name.isdecimal())


def _listed(steps: list[int]) -> str:
    *first, last = map(str, steps)
    return f"{', '.join(first)} and {last}" if first else last

"""The log of a run that goes on: it is checked at the start, and mended where that is certain."""

import dataclasses
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from train.errors import UserError
from train.folder import back, steps
from train.folder.checkpoint import Checkpoints
from train.folder.files import set_aside, write_atomically
from train.folder.log import read_metrics
from train.folder.log_check import Checked, check
from train.folder.manifest import Restored
from train.folder.same_run import SameRun
from train.folder.sealed import line
from train.run import past_rates
from train.run.job import Job
from train.run.restored import restore

METRICS = "metrics.jsonl"
LOST = "lost"
"""The field of a line whose numbers are lost. It has the step, the rate, and null for the rest."""


def restore_with_log(
    job: Job, checkpoints: Checkpoints, same: SameRun | None, folder: Path, step: int | None
) -> Restored | None:
    """Restores a checkpoint, and brings `metrics.jsonl` to what it was then.

    A log whose lines can be put right is mended. Else the checkpoint before is taken, if the log
    agrees with that one: the steps between are made anew, to the same numbers. Else lines that are
    lost are marked, and the run goes on. Each is said on stderr, with the number of the line.

    Args:
      job: the run.
      checkpoints: of the run.
      same: as for `restore`.
      folder: the run's folder.
      step: the step of the checkpoint; None: the newest.

    Raises:
      UserError: as for `restore`.
    """
    found, path = restore(job, checkpoints, same, step=step), folder / METRICS
    if found is None:
        _leave_old(path)
        return None
    log = _checked(folder, found.step, found.manifest)
    if log.is_whole:
        if log.faults:
            _write(path, log, "it is mended")
        return found
    assert same is not None
    rates = past_rates.rates(job, folder, same.held, found)
    if _is_marked(job, log, found.step, rates) and path.read_bytes().startswith(log.content):
        return found
    if (older := _older(job, checkpoints, same, folder, found.step)) is not None:
        say = back.leave_newer(folder, older.step)
        before = _checked(folder, older.step, older.manifest)
        _write(path, dataclasses.replace(before, faults=log.faults), "; ".join(say))
        return older
    marked = _marked(job, log.lines, found.step, rates)
    lost = sum(LOST in json.loads(each) for each in marked)
    mended = Checked(marked, is_whole=False, faults=log.faults)
    are = "line cannot be restored and is" if lost == 1 else "lines cannot be restored and are"
    what = f"{lost} {are} marked as {LOST}" if lost else "the last test is made anew"
    _write(path, mended, what)
    return found


def fill(job: Job, folder: Path, rates: np.ndarray | None) -> list[dict[str, Any]]:
    """Returns the records of a run that has made all its steps, with a line for each of them.

    Lines that somebody took out while the run went on are marked, as at a start.

    Args:
      job: the run.
      folder: the run's folder.
      rates: of all steps; None: they are not known.
    """
    path = folder / METRICS
    records = read_metrics(path) if path.exists() else []
    if sum(each.get("kind") == "train" for each in records) == job.total_steps:
        return records
    log = check(path, job.total_steps, None)
    mended = Checked(_marked(job, log.lines, job.total_steps, rates), False, log.faults)
    _write(path, mended, f"lines cannot be restored and are marked as {LOST}")
    return read_metrics(path)


def lacks_last_test(folder: Path, total_steps: int) -> bool:
    """Tells whether the log of a run that has made all its steps lacks the test of the last."""
    path = folder / METRICS
    lines = read_metrics(path) if path.exists() else []
    last = (each for each in lines if each.get("split") == "test" and LOST not in each)
    return all(each["step"] != total_steps for each in last)


def _checked(folder: Path, step: int, manifest: Mapping[str, Any]) -> Checked:
    return check(folder / METRICS, step, manifest.get("logs", {}).get(METRICS))


def _leave_old(path: Path) -> None:
    """Moves the log of a run whose checkpoints are gone out of the way, and says so."""
    if path.exists() and path.stat().st_size:
        lines = len(read_metrics(path))
        moved = set_aside(path, path.parent / "set_aside")
        print(
            f"warning: {path.parent} has no checkpoint, and the run starts from nothing; the "
            f"{lines} lines of its log are in {moved}",
            file=sys.stderr,
        )


def _older(
    job: Job, checkpoints: Checkpoints, same: SameRun | None, folder: Path, step: int
) -> Restored | None:
    """Returns the checkpoint before a step, if the log agrees with it. None: it does not."""
    manifests = steps.manifests(folder / "checkpoints")
    # An older one would cost too much: it may be the best, from the first hour of a week.
    for older in [each for each in manifests if each < step][:1]:
        if _checked(folder, older, manifests[older]).is_whole:
            try:
                return restore(job, checkpoints, same, step=older)
            except UserError:  # it is damaged
                return None
    return None


def _write(path: Path, log: Checked, what: str) -> None:
    """Writes the lines of a log, says what was wrong and what was done, and keeps the old file."""
    if path.exists():
        copy = path.with_name(f"{path.stem}.damaged{path.suffix}")
        shutil.copy2(path, copy)
        set_aside(copy, path.parent / "set_aside")
    write_atomically(path, log.content)
    print(f"warning: {path}: {log.says()}; {what}", file=sys.stderr)


def _is_marked(job: Job, log: Checked, step: int, rates: np.ndarray) -> bool:
    """Tells whether an earlier start has marked what is lost, and nothing else is wrong."""
    has_lost = any(LOST in json.loads(each) for each in log.lines)
    return has_lost and list(log.lines) == _marked(job, log.lines, step, rates)


def _marked(job: Job, lines: Sequence[bytes], step: int, rates: np.ndarray | None) -> list[bytes]:
    """Returns the lines up to a step, with a marked one for each that is lost.

    The evaluation of the last step of all is no loss: it is made anew.
    """
    there = {_place(json.loads(each)): each for each in lines}
    splits = [name for name in ("validation", "test") if name in job.data.sizes]
    found, seconds = [], 0.0
    for made in range(1, step + 1):
        due = job.is_due(made, job.config.eval_epochs) and made < job.total_steps
        for split in ["", *(splits if due else [])]:
            rate = None if rates is None else float(rates[made - 1])
            there.setdefault((made, split), _lost(job, made, split, seconds, rate))
        for split in ["", *splits]:
            if (line_there := there.get((made, split))) is not None:
                found.append(line_there)
                seconds = json.loads(line_there).get("seconds", seconds)
    return found


def _place(record: Mapping[str, Any]) -> tuple[int, str]:
    return record["step"], str(record.get("split", ""))


def _lost(job: Job, step: int, split: str, seconds: float, rate: float | None) -> bytes:
    head = {"kind": "eval", "split": split} if split else {"kind": "train"}
    record = {
        **head,
        "step": step,
        "epoch": step / job.steps_per_epoch,
        "loss": None,
        "accuracy": None,
        **({} if split else {"learning_rate": rate}),
        LOST: True,
        "seconds": seconds,
    }
    return line(record).encode()

"""What the records of a run say of it: how far it is, and how it went."""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from train.errors import sentence
from train.folder import ending
from train.folder.sealed import parsed
from train.folder.terminal import duration
from train.run.bad_steps import FILE
from train.watch.anew import Kept, stamp

_TAIL = 1 << 18  # bytes, in which the last evaluation most often is
_FILES = ("metrics.jsonl", "config.json", "summary.json", "halted.json", FILE)
_NO_MEASURES = ("kind", "split", "step", "epoch", "seconds")
_NO_STEP = "no step is logged yet"


class Facts:
    """The facts of a run, which are read again only when one of its files has changed.

    Args:
      folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        files = [*(folder / name for name in _FILES), ending.failure_file(folder)]
        self._kept = Kept(self._read, lambda: tuple(stamp(path) for path in files))

    def now(self) -> dict[str, str]:
        """Returns what a person asks of a run first: its state, its step, its last numbers.

        The step is left out where none is logged.
        """
        found = self._kept.get()
        return {**found, "state": found["state"] or self._underway()}

    def _underway(self) -> str:
        try:
            age = time.time() - (self._folder / "metrics.jsonl").stat().st_mtime
        except OSError:
            return _NO_STEP
        return f"not done; it logged a step {duration(max(age, 0.0))} ago"

    def _read(self) -> dict[str, str]:
        """Returns the facts, with an empty state where it depends on the time."""
        try:
            return _facts(self._folder)
        except Exception as error:  # a file that somebody else wrote
            return {"state": f"its records cannot be read: {sentence(error)}"}


def steps_per_epoch(line: Mapping[str, Any]) -> int:
    """Returns the number of steps in an epoch, by a line of the records."""
    return max(round(line["step"] / line["epoch"]), 1)


def _facts(folder: Path) -> dict[str, str]:
    config = ending.read(folder / "config.json")
    lines = _tail(folder / "metrics.jsonl")
    train = [line for line in lines if line.get("kind") == "train"]
    found = {"state": _state(folder, train[-1]["step"] if train else 0)}
    if train:
        last = train[-1]
        found["step"] = f"{last['step']:,}"
        if (epochs := config.get("epochs")) is not None:
            found["step"] += f" of {epochs * steps_per_epoch(last):,}"
            found["epoch"] = f"{last['epoch']:.2f} of {epochs}"
        found |= _numbers("training", last)
        found["time"] = duration(last["seconds"])
    for split in ("validation", "test"):
        if at := [line for line in lines if line.get("split") == split]:
            found |= _numbers(split, at[-1])
    return found


def _state(folder: Path, made: int) -> str:
    """Returns the state of a run; empty where it goes on, or may do so."""
    if ending.read(folder / "summary.json"):
        return "done"
    if halted := _halted(folder, made):
        return halted
    if why := ending.failure(folder):
        return f"failed: {why}"
    return "" if made else _NO_STEP


def _halted(folder: Path, made: int) -> str:
    """Returns that a run was halted, and why; empty where it was not, or has made steps since.

    Args:
      folder: of the run.
      made: the number of steps that were made.
    """
    bad = _tail(folder / FILE)[-1:]
    if bad and bad[0].get("action") == "halted" and made == bad[0]["step"] - 1:
        return f"halted after step {bad[0]['step'] - 1:,}: {bad[0]['why']}"
    # A study writes it, and gives some runs another schedule after it.
    of_study = ending.read(folder / "halted.json")
    last = of_study.get("again", of_study)
    if "step" in last and "reason" in last:
        is_last = made <= last["step"]
        return f"halted after step {last['step']:,}: {last['reason']}" if is_last else ""
    return "halted" if (folder / "halted.json").exists() else ""


def _numbers(split: str, line: Mapping[str, Any]) -> dict[str, str]:
    names = ["loss", "accuracy", "learning_rate"]
    if line.get("split") == split:  # an evaluation, whose other numbers are the task's measures
        names += [name for name in line if name not in (*names, *_NO_MEASURES)]
    return {
        "learning rate" if name == "learning_rate" else f"{split} {name}": (
            f"{100 * line[name]:.1f} %" if name == "accuracy" else f"{line[name]:.4g}"
        )
        for name in names
        if line.get(name) is not None
    }


def measures_in(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns the names of what the evaluations in some records measure, beside the loss."""
    first = next((line for line in lines if line.get("kind") == "eval"), {"accuracy": None})
    return [name for name in first if name not in ("loss", *_NO_MEASURES)]


def _tail(path: Path) -> list[dict[str, Any]]:
    """Returns the last lines of some records: a long run has millions."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL, 0))
            lines = file.read().splitlines()
    except OSError:
        return []
    # The first may lack its beginning, and the last may be cut short.
    return [record for line in lines if (record := parsed(line))]

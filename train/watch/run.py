"""The page of a run: how far it is, and its curves."""

import html
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.folder import ending
from train.folder.log import read_metrics
from train.folder.terminal import duration
from train.run.pictures import curves_png
from train.watch.anew import Anew, stamp
from train.watch.look import page
from train.watch.server import HTML, Answer

_OFTEN = 10  # seconds between two drawings, and two loads of the page
_PATIENCE = 20.0
_TAIL = 1 << 18  # bytes, in which the last evaluation most often is


class RunSite:
    """What is to be seen of a run.

    Args:
      folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = folder / "metrics.jsonl"
        self._curves = Anew(self._draw, lambda: stamp(self._lines), _OFTEN)

    def find(self, path: str) -> Answer | None:
        """Returns what stands at a path; None: nothing."""
        if path == "/":
            return HTML, self.page("")
        return self.picture() if path == "/curves.png" else None

    def picture(self) -> Answer | None:
        """Returns the curves; None: there are none yet."""
        png = self._curves.get(_PATIENCE)
        return None if png is None else ("image/png", png)

    def page(self, links: str) -> bytes:
        """Returns the page.

        Args:
          links: HTML above the heading.
        """
        name = html.escape(self._folder.absolute().name)
        found = "".join(
            f"<div><dt>{html.escape(fact)}</dt><dd>{html.escape(text)}</dd></div>"
            for fact, text in facts(self._folder).items()
        )
        curves = "<p>No step is logged yet.</p>"
        if stamp(self._lines) is not None:
            curves = f'<img src="curves.png?{time.time():.0f}" alt="loss, accuracy and rate">'
        return page(name, f"{links}<h1>{name}</h1><dl>{found}</dl>{curves}", reload=_OFTEN)

    def _draw(self) -> bytes:
        lines = read_metrics(self._lines)
        return curves_png(lines, steps_per_epoch=_steps_per_epoch(lines[-1]))


def facts(folder: Path) -> dict[str, str]:
    """Returns what a person asks of a run first: its state, its step, its last numbers."""
    config, summary = ending.read(folder / "config.json"), ending.read(folder / "summary.json")
    lines = _tail(folder / "metrics.jsonl")
    found = {"state": _state(folder, summary)}
    train = [line for line in lines if line.get("kind") == "train"]
    if train:
        last = train[-1]
        found["step"] = f"{last['step']:,}"
        if (epochs := config.get("epochs")) is not None:
            found["step"] += f" of {epochs * _steps_per_epoch(last):,}"
            found["epoch"] = f"{last['epoch']:.2f} of {epochs}"
        found |= _numbers("training", last)
        found["time"] = duration(last["seconds"])
    for split in ("validation", "test"):
        if at := [line for line in lines if line.get("split") == split]:
            found |= _numbers(split, at[-1])
    return found


def brief(folder: Path) -> str:
    """Returns the state of a run in a few words."""
    found = facts(folder)
    numbers = [f"{name} {found[name]}" for name in ("test accuracy", "epoch") if name in found]
    return ", ".join([found["state"], *numbers])


def _state(folder: Path, summary: Mapping[str, Any]) -> str:
    if summary:
        return "done"
    if (folder / "halted.json").exists():
        return "halted"
    if why := ending.failure(folder):
        return f"failed: {why}"
    try:
        age = time.time() - (folder / "metrics.jsonl").stat().st_mtime
    except OSError:
        return "no step is logged yet"
    return f"not done; it logged a step {duration(max(age, 0.0))} ago"


def _numbers(split: str, line: Mapping[str, Any]) -> dict[str, str]:
    words = {
        "loss": lambda value: f"{value:.4g}",
        "accuracy": lambda value: f"{100 * value:.1f} %",
        "learning_rate": lambda value: f"{value:.4g}",
    }
    return {
        "learning rate" if name == "learning_rate" else f"{split} {name}": say(line[name])
        for name, say in words.items()
        if line.get(name) is not None
    }


def _steps_per_epoch(line: Mapping[str, Any]) -> int:
    return max(round(line["step"] / line["epoch"]), 1)


def _tail(path: Path) -> list[dict[str, Any]]:
    """Returns the last lines of the records: a long run has millions."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _TAIL, 0))
            lines = file.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines[1:] if size > _TAIL else lines:
        try:
            found.append(dict(json.loads(line)))
        except (ValueError, TypeError):
            continue  # it is being written
    return found

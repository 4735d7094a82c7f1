"""What the searches of a study tried, and what they chose: read from their journals."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from train.folder.names import joined
from train.report.numbers import naming
from train.report.numbers.records import Labels, Results

Edge: TypeAlias = Literal["lowest", "highest"]
_NEAR = 0.05
"""The part of a range, at each end, that counts as its edge: a drawn value never meets the end."""


@dataclasses.dataclass(frozen=True)
class Tried:
    """What a search tried for one field."""

    path: str
    """The field's name in the configuration, with dots."""
    name: str
    """The same for a reader."""
    low: float
    high: float
    is_log: bool
    """Whether the values were chosen on a logarithmic scale."""
    grid: Sequence[float]
    """The values, the lowest first, where they lay on a grid; empty where they were drawn."""

    def edge(self, value: float) -> Edge | None:
        """Tells at which edge of the grid or the range a value lies; None: inside."""
        if not self.low < self.high:
            return None
        place = (value - self.low) / (self.high - self.low)
        if self.is_log and self.low > 0 and value > 0:
            place = math.log(value / self.low) / math.log(self.high / self.low)
        near = 1e-6 if self.grid else _NEAR
        return "lowest" if place < near else "highest" if place > 1 - near else None


@dataclasses.dataclass(frozen=True)
class Search:
    """A search that has ended: its choice, and what it tried."""

    labels: Labels
    best: Mapping[str, float]
    """The chosen values by the fields' names in the configuration."""
    trials: int
    value: float
    """The best trial's, in the task's first measure on the validation split, as it is shown."""
    tried: Mapping[str, Tried]
    """By the same names; empty where the journal is not there."""
    names: Mapping[str, str]
    """The fields' names for a reader, by the same names."""
    worst: Sequence[str] = ()
    """Why trials counted as the worst: a sentence for each of them."""


def searches(results: Results) -> Sequence[Search]:
    """Returns the searches that have ended, in the order of their labels."""
    found = []
    for entry in results.record.get("tuned") or []:
        labels, best = entry["labels"], entry["best"]
        names = {path: naming.field(path, _schedule(results, labels)) for path in best}
        folder = results.folder / "tuning" / joined(map(str, labels.values()))
        lines = _lines(folder / "journal.log")
        first = results.task.first  # a search writes down what it seeks the highest of
        value, tried = first.shown(first.better * entry["value"]), _tried(lines, names)
        search = Search(labels, best, entry["trials"], value, tried, names, _worst(lines))
        found.append(search)
    return found


def _schedule(results: Results, labels: Labels) -> Mapping[str, Any]:
    """Returns the record of the schedule that a search was about, from a run that has begun.

    Until one has, it is another run's: the searches of a study are mostly of the same fields.
    """
    begun = [run for run in results.runs if run.config]
    own = [run for run in begun if labels.items() <= run.labels.items()]
    run = next(iter([*own, *begun]), None)
    record = {} if run is None else run.config.get("schedule")
    return record if isinstance(record, dict) else {}


def _lines(journal: Path) -> Sequence[Mapping[str, Any]]:
    """Reads what Optuna wrote, without Optuna: it is an extra, and a report needs none."""
    found = []
    for line in journal.read_text().splitlines() if journal.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # a line that was cut short, as the search itself removes
    return found


def _worst(lines: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    whys = {line["trial_id"]: line["user_attr"]["why"] for line in lines
            if "trial_id" in line and "why" in line.get("user_attr", {})}  # fmt: skip
    return list(whys.values())


def _tried(lines: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Mapping[str, Tried]:
    record: Mapping[str, Any] = {}
    settings: list[Mapping[str, Any]] = []
    for entry in lines:
        record = entry.get("user_attr", {}).get("search", record)
        settings += [entry["params"]] if entry.get("params") else []

    found = {}
    for path, each in record.get("ranges", {}).items():
        if path in names:
            values = sorted({one[path] for one in settings if path in one})
            grid = values if record.get("grid") else []
            is_log = each.get("scale") == "log"
            found[path] = Tried(path, names[path], each["low"], each["high"], is_log, grid)
    return found

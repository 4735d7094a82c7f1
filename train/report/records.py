"""A study's folder, read: its runs with their labels and numbers, as far as they came."""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

import log_anneal as la
from train.errors import UserError
from train.log import read_metrics
from train.report import words

Labels: TypeAlias = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Run:
    """One run, or as much of it as there is."""

    name: str
    labels: Labels
    seed: int
    state: Literal["ended", "halted", "unfinished", "missing"]
    note: str
    """What became of it, where there is more to say."""
    was_halted: bool
    """Whether the guard stopped it, though it may have gone on with another schedule."""
    goes_on: bool
    """Whether it is halted for now, and is to go on with another schedule."""
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    steps_per_epoch: int
    total_steps: int
    train: Mapping[str, np.ndarray]
    """By name, [steps]: loss in nats, learning_rate, images_per_second."""
    test: Mapping[str, np.ndarray]
    """By name, [evaluations]: step, loss in nats, accuracy in %."""
    restarts: Sequence[int]
    """The updates, counted from 0, with which the schedule restarts and its rate jumps up; of a
    run that went on with another schedule those before that too, if the new one has them."""

    @property
    def has_ended(self) -> bool:
        """Whether all its steps are made."""
        return self.state == "ended"

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or was halted: its number is not merely still to come."""
        return self.state in ("ended", "halted")


@dataclasses.dataclass(frozen=True, eq=False)
class Cell:
    """The runs that differ in their seed alone."""

    labels: Labels
    runs: Sequence[Run]

    @property
    def ended(self) -> Sequence[Run]:
        """Those with all their steps made: of these are the numbers."""
        return [run for run in self.runs if run.has_ended]


@dataclasses.dataclass(frozen=True)
class Study:
    """What `study.json` says, and the runs that it names."""

    folder: Path
    record: Mapping[str, Any]
    runs: Sequence[Run]

    @property
    def axes(self) -> Mapping[str, Sequence[str]]:
        """What was varied, and its labels in order."""
        return self.record["axes"]

    @property
    def baseline(self) -> Labels:
        """What the others are held against; empty if there is none."""
        return self.record.get("baseline") or {}

    @property
    def is_whole(self) -> bool:
        """Whether every planned run is over."""
        return all(run.is_over for run in self.runs)

    @functools.cached_property
    def varied(self) -> Sequence[str]:
        """The axes along which there is more than one label, the groups' first."""
        order = [*(axis for axis in self.axes if axis not in self.compared), *self.compared]
        return [axis for axis in order if len(self.axes[axis]) > 1] or order[:1]

    @functools.cached_property
    def compared(self) -> Sequence[str]:
        """The axes whose labels are held against each other; runs that share the rest form a group.

        They are the baseline's, else the schedule, else the first.
        """
        axes = self.baseline or ({"schedule"} & self.axes.keys()) or list(self.axes)[:1]
        return [axis for axis in self.axes if axis in axes]

    @functools.cached_property
    def cells(self) -> Sequence[Cell]:
        """Group by group, in the order of the axes' labels."""
        found: dict[tuple[int, ...], list[Run]] = {}
        for run in self.runs:
            place = [list(self.axes[axis]).index(run.labels[axis]) for axis in self.varied]
            found.setdefault(tuple(place), []).append(run)
        return [Cell(runs[0].labels, runs) for _, runs in sorted(found.items())]

    @functools.cached_property
    def groups(self) -> Mapping[str, Sequence[Cell]]:
        """The cells that are held against each other, by the name of what they share."""
        groups: dict[str, list[Cell]] = {}
        for cell in self.cells:
            groups.setdefault(self.group_of(cell.labels), []).append(cell)
        return groups

    def cell(self, labels: Labels) -> Cell | None:
        """The one with exactly these labels."""
        return next((cell for cell in self.cells if dict(cell.labels) == dict(labels)), None)

    def group_of(self, labels: Labels) -> str:
        """The name of the group; empty where all is one."""
        return words.labels(labels, [axis for axis in self.varied if axis not in self.compared])

    def name_of(self, labels: Labels) -> str:
        """The name within the group."""
        return words.labels(labels, [axis for axis in self.varied if axis in self.compared])


def load(folder: Path) -> Study:
    """Reads a study; a run that has not ended, or is not there, is read as far as it goes.

    Raises:
      UserError: the folder holds no study, or one whose runs and axes do not fit.
    """
    record = _read(folder / "study.json")
    if not {"title", "size", "axes", "runs"} <= record.keys():
        raise UserError(
            f"`folder` must hold the study.json of a study, got {folder}. "
            "Make one by `python -m train study configs/study_experiment1.py`."
        )
    seen = set()
    for run in record["runs"]:
        which = (run["seed"], *sorted(run["labels"].items()))
        if which in seen:
            raise UserError(
                f"`runs` must differ in their labels or their seed, got {run['folder']} for one "
                "that another holds. Write study.json anew."
            )
        seen.add(which)
        for axis, labels in record["axes"].items():
            if run["labels"].get(axis) not in labels:
                raise UserError(
                    f"`labels` of {run['folder']} must name one of {list(labels)} as its {axis}, "
                    f"got {run['labels'].get(axis)}. Write study.json anew."
                )
    return Study(folder, record, [_run(folder, run) for run in record["runs"]])


def _run(folder: Path, entry: Mapping[str, Any]) -> Run:
    here = folder / entry["folder"]
    config, summary, halted = (
        _read(here / f"{name}.json") for name in ("config", "summary", "halted")
    )
    path = here / "metrics.jsonl"
    lines = read_metrics(path) if path.exists() else []
    train = [line for line in lines if line["kind"] == "train"]
    test = [line for line in lines if line.get("split") == "test"]
    spe = round(train[0]["step"] / train[0]["epoch"]) if train else 1
    total = config.get("epochs", 0) * spe
    state, note = _state(config, summary, halted, len(train), total)
    return Run(
        name=entry["folder"],
        labels=entry["labels"],
        seed=entry["seed"],
        state=state,
        note=note,
        was_halted=bool(halted),
        goes_on=bool(entry.get("goes_on")) and "again" not in halted,
        config=config,
        summary=summary,
        steps_per_epoch=spe,
        total_steps=total,
        train={
            name: _column(train, name) for name in ("loss", "learning_rate", "images_per_second")
        },
        test={
            "step": _column(test, "step"),
            "loss": _column(test, "loss"),
            "accuracy": 100 * _column(test, "accuracy"),
        },
        restarts=_restarts(config, spe, total, _column(train, "learning_rate")),
    )


def _state(
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
    halted: Mapping[str, Any],
    steps: int,
    total: int,
) -> tuple[Literal["ended", "halted", "unfinished", "missing"], str]:
    why = f"halted after step {halted['step']:,}: {halted['reason']}" if halted else ""
    since = config.get("schedule_from_step", 0)
    adjusted = f"went on with another schedule from step {since:,}" if since else ""
    said = "; ".join(part for part in (why, adjusted) if part)
    if summary and steps == total:
        return "ended", said
    if halted:
        return "halted", said
    if steps == 0:
        return "missing", "not begun"
    return "unfinished", "; ".join(filter(None, [f"at step {steps:,} of {total:,}", said]))


def _restarts(
    config: Mapping[str, Any], steps_per_epoch: int, total_steps: int, rates: np.ndarray
) -> Sequence[int]:
    record = config.get("schedule", {})
    if "schedule" not in record or total_steps == 0:
        return []  # a plain function does not tell
    schedule = la.from_dict(record)
    if config["schedule_unit"] == "epochs":
        schedule = schedule.stretch(steps_per_epoch)
    return [step for step in schedule.restarts(total_steps) if _jumps(rates, step)]


def _jumps(rates: np.ndarray, step: int) -> bool:
    """Not at the low point of a triangle, where a cycle begins without one."""
    if not 0 < step < len(rates):
        return False
    rise, *after = np.diff(rates[step - 1 : step + 2])
    return bool(rise > 2 * max(0.0, *after))


def _column(lines: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    return np.array([line.get(name) for line in lines], np.float64)  # None becomes NaN


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}

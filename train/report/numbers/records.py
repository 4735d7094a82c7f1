"""The records of a study: its runs with their labels and numbers, as far as they came."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from train.report.numbers import words

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

"""The results of a study: the outcome of each run, with its labels and numbers.

What a study is to compare is described by `train.study.Study`; what came out of it is here.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from train.folder.ending import State
from train.report.numbers import words
from train.report.numbers.task_record import CLASSIFICATION, TaskRecord, task_record

Labels: TypeAlias = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of one run, as far as the run has come."""

    name: str
    labels: Labels
    seed: int
    state: State
    note: str
    """A remark on how the run ended; empty if it ended as planned."""
    was_halted: bool
    """Whether the guard stopped it, though it may have gone on with another schedule."""
    goes_on: bool
    """Whether the run is halted for now, and is to go on with another schedule."""
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    steps_per_epoch: int
    total_steps: int
    train: Mapping[str, np.ndarray]
    """The records of the steps by name, [steps]: loss, learning_rate, and `speed`, examples a
    second."""
    test: Mapping[str, np.ndarray]
    """The records of the evaluations by name, [evaluations]: step, loss and the task's measures, as
    in the log."""
    restarts: Sequence[int]
    """The steps, counted from 0, at which the schedule restarts and its rate jumps up. They are
    those of the last schedule, also where the run began with another one."""
    has_known_schedule: bool = True
    """Whether the class of the schedule is known here. If it is not, the restarts are read from the
    recorded rates alone."""

    @property
    def has_ended(self) -> bool:
        """Tells whether all steps are made."""
        return self.state == "ended"

    @property
    def is_over(self) -> bool:
        """Tells whether the run has ended or was halted for good: no further number will come."""
        return self.has_ended or (self.state == "halted" and not self.goes_on)


@dataclasses.dataclass(frozen=True, eq=False)
class Cell:
    """The runs that differ in their seed alone."""

    labels: Labels
    runs: Sequence[Outcome]
    task: TaskRecord = CLASSIFICATION

    @property
    def ended(self) -> Sequence[Outcome]:
        """Returns the runs with all their steps made. The numbers are of these."""
        return [run for run in self.runs if run.has_ended]


@dataclasses.dataclass(frozen=True)
class Results:
    """The results of a study: its `study.json`, and the outcomes of the runs that it names."""

    folder: Path
    record: Mapping[str, Any]
    runs: Sequence[Outcome]

    @functools.cached_property
    def task(self) -> TaskRecord:
        """Returns what the numbers of this study's task are told in."""
        return task_record(self.record)

    @property
    def axes(self) -> Mapping[str, Sequence[str]]:
        """Returns the labels of each axis, in order."""
        return self.record["axes"]

    @property
    def baseline(self) -> Labels:
        """Returns the baseline's labels; empty if there is no baseline."""
        return self.record.get("baseline") or {}

    @property
    def is_whole(self) -> bool:
        """Tells whether every planned run is over."""
        return all(run.is_over for run in self.runs)

    @functools.cached_property
    def varied(self) -> Sequence[str]:
        """Returns the axes along which there is more than one label, the groups' first."""
        order = [*(axis for axis in self.axes if axis not in self.compared), *self.compared]
        return [axis for axis in order if len(self.axes[axis]) > 1] or order[:1]

    @functools.cached_property
    def compared(self) -> Sequence[str]:
        """Returns the axes whose labels are compared. Runs with equal other labels form a group.

        They are the baseline's axes, else the schedule, else the first axis.
        """
        axes = self.baseline or ({"schedule"} & self.axes.keys()) or list(self.axes)[:1]
        return [axis for axis in self.axes if axis in axes]

    @functools.cached_property
    def cells(self) -> Sequence[Cell]:
        """Returns the cells group by group, in the order of the axes' labels."""
        found: dict[tuple[int, ...], list[Outcome]] = {}
        for run in self.runs:
            place = [list(self.axes[axis]).index(run.labels[axis]) for axis in self.varied]
            found.setdefault(tuple(place), []).append(run)
        return [Cell(runs[0].labels, runs, self.task) for _, runs in sorted(found.items())]

    @functools.cached_property
    def groups(self) -> Mapping[str, Sequence[Cell]]:
        """Returns the cells that are compared with each other, by the name of what they share."""
        groups: dict[str, list[Cell]] = {}
        for cell in self.cells:
            groups.setdefault(self.group_of(cell.labels), []).append(cell)
        return groups

    def cell(self, labels: Labels) -> Cell | None:
        """Returns the cell with exactly these labels, if there is one."""
        return next((cell for cell in self.cells if dict(cell.labels) == dict(labels)), None)

    def group_of(self, labels: Labels) -> str:
        """Returns the name of the group; empty if all cells are one group."""
        return words.labels(labels, [axis for axis in self.varied if axis not in self.compared])

    def name_of(self, labels: Labels) -> str:
        """Returns the name within the group."""
        return words.labels(labels, [axis for axis in self.varied if axis in self.compared])

"""The tasks of a study, and the order in which they must be made."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from train.changes import changed
from train.errors import UserError
from train.study import SETTINGS, TUNED, Run, Study
from train.study.names import combination, range_test_folder

Jobs: TypeAlias = tuple[int, int]
"""A share of the runs, counted from 1: (1, 4) is the first quarter."""
Kind: TypeAlias = Literal["repeat", "range test", "search", "run"]


@dataclasses.dataclass(frozen=True)
class Task:
    """A task: a part of a study that one worker makes without waiting for another."""

    kind: Kind
    name: str
    """The name of the run's folder, of the search's combination of labels, or of the range test's
    label."""
    run: Run
    """The run that is made, or the first run that needs the range test or the search."""
    needs: frozenset[str] = frozenset()
    """The keys of the tasks that must have ended before."""

    @property
    def key(self) -> str:
        """Returns the name that tells the task from the study's other tasks."""
        return f"{self.kind} {self.name}"


def tasks(study: Study, runs: Sequence[Run]) -> Sequence[Task]:
    """Returns the tasks for some runs, in the order in which they are best begun.

    Range tests and searches come first, since the most depends on them. Then come the runs, seed by
    seed: a study that is stopped has compared all its settings over the same seeds.

    Args:
      study: the description.
      runs: the runs that are to be made.
    """
    first: dict[str, Task] = {}
    for run in runs:
        for task in [_range_test(study, run), _search(study, run)]:
            if task is not None:
                first.setdefault(task.key, task)
    seeds = list(study.seeds)
    made = [
        Task("run", run.folder, run, _needs(study, run))
        for run in sorted(runs, key=lambda run: seeds.index(run.seed))
    ]
    return [*sorted(first.values(), key=lambda task: task.kind), *made]


def repeat(study: Study, run: Run) -> Task:
    """Returns the task that makes a run once more, to compare it with the first one."""
    return Task("repeat", run.folder, run, _needs(study, run))


def share(study: Study, jobs: Jobs) -> Sequence[Run]:
    """Returns a share of the runs. All shares have about the same number of epochs.

    The runs of a share are neighbours, so that they share compiled programs.

    Args:
      study: the description.
      jobs: the share.

    Raises:
      UserError: there is no such share.
    """
    number, of = jobs
    if of < 1:
        raise UserError(f"`--jobs` must be i/n with n at least 1, got {number}/{of}. Take 1/1.")
    if not 1 <= number <= of:
        raise UserError(f"`--jobs` must be i/n with i from 1 to n, got {number}/{of}. Take 1/{of}.")

    runs = study.runs()
    searched: set[str] = set()
    middles, total = [], 0
    for run in runs:
        epochs = run.config.epochs
        if is_tuned(run) and study.tune and combination(run.labels) not in searched:
            searched.add(combination(run.labels))
            epochs *= 1 + study.tune.trials
        middles.append(total + epochs / 2)
        total += epochs
    return [
        run
        for run, middle in zip(runs, middles, strict=True)
        if number - 1 <= middle * of / total < number
    ]


def is_made(task: Task, folder: Path) -> bool:
    """Tells whether a range test or a search has ended; for other tasks it is always false.

    Whether a run has ended is told by `train.study.record.is_done`.
    """
    if task.kind == "range test":
        return (folder / range_test_folder(task.name) / "range_test.json").exists()
    return task.kind == "search" and (folder / "tuning" / task.name / "found.json").exists()


def is_tuned(run: Run) -> bool:
    """Tells whether a run takes the settings that a search found."""
    return run.labels.get(SETTINGS) == TUNED


def num_epochs(study: Study, task: Task) -> int:
    """Returns how many epochs a task trains for. A range test counts as one."""
    if task.kind == "range test":
        return 1
    if task.kind == "search" and study.tune is not None:
        return study.tune.trials * changed(task.run.config, study.tune.changes).epochs
    return task.run.config.epochs


def _needs(study: Study, run: Run) -> frozenset[str]:
    before = [_range_test(study, run), _search(study, run)]
    return frozenset(task.key for task in before if task is not None)


def _range_test(study: Study, run: Run) -> Task | None:
    if study.range_tests is None:
        return None
    return Task("range test", run.labels[study.range_tests.axis], run)


def _search(study: Study, run: Run) -> Task | None:
    if study.tune is None or not is_tuned(run):
        return None
    test = _range_test(study, run)
    needs = frozenset() if test is None else frozenset([test.key])
    return Task("search", combination(run.labels), run, needs)

"""The tasks of a study, and which of them must come before which."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from train.changes import changed
from train.errors import UserError
from train.study import SETTINGS, TUNED, Run, Study
from train.study.record import combination, range_test_folder

Jobs: TypeAlias = tuple[int, int]
"""Which share of how many, counted from 1: (1, 4) is the first quarter."""
Kind: TypeAlias = Literal["repeat", "range test", "search", "run"]


@dataclasses.dataclass(frozen=True)
class Task:
    """What one worker makes without waiting for another."""

    kind: Kind
    name: str
    """Of the run, of the search's combination of labels, or of the range test's label."""
    run: Run
    """The run that is made, or the first one that needs the range test or the search."""
    needs: frozenset[str] = frozenset()
    """Keys of the tasks that must have ended before."""

    @property
    def key(self) -> str:
        """Tells it from the study's other tasks."""
        return f"{self.kind} {self.name}"


def tasks(study: Study, runs: Sequence[Run]) -> Sequence[Task]:
    """Returns what must be made for some runs, in the order in which it is best begun.

    Range tests and searches come first, since the most depends on them. Then come the runs, seed by
    seed: a study that is stopped has compared all its settings over the same seeds.

    Args:
      study: the description.
      runs: those of its runs that are to be made.
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
    """Returns the task that makes a run once more, to hold it against the one that is there."""
    return Task("repeat", run.folder, run, _needs(study, run))


def share(study: Study, jobs: Jobs) -> Sequence[Run]:
    """Returns a share of the runs, with about as many epochs as any; neighbours, which share a program.

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
    """Returns whether a range test or a search has ended; a run's folder says more of it."""
    if task.kind == "range test":
        return (folder / range_test_folder(task.name) / "range_test.json").exists()
    return task.kind == "search" and (folder / "tuning" / task.name / "found.json").exists()


def is_tuned(run: Run) -> bool:
    """Returns whether a run takes the settings that a search found."""
    return run.labels.get(SETTINGS) == TUNED


def work(study: Study, task: Task) -> int:
    """Returns how many epochs a task trains for; a range test counts as one."""
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

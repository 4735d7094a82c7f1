"""What a study would make, and how long that takes. It makes nothing itself."""

import dataclasses
import tempfile
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path

from train.changes import changed
from train.config import Config, fields_of
from train.errors import UserError
from train.folder.terminal import duration
from train.halt import Halt
from train.report import archive
from train.study import Run, Size, Study, failures, free, paper
from train.study.load import load_study
from train.study.progress import Progress
from train.study.ranges import Range
from train.study.record import is_done, read
from train.study.tasks import Task, is_made, tasks
from train.study.tune import Tune


@dataclasses.dataclass(frozen=True)
class Plan:
    """The plan of a study, or of a share of it: what it has to make, and what is there."""

    runs: Sequence[Run]
    done: int
    """The number of runs that are over."""
    num_searches: int
    """The number of searches of these runs, with those that have ended."""
    num_trials: int
    """The number of trials of all these searches."""
    num_range_tests: int
    num_programs: int
    """The number of different programs that the runs, the trials and the range tests compile."""
    seconds: float | None
    """How long the rest takes at the pace of the runs that are over; None: there is none."""
    faults: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Why runs cannot be made, by their folders."""
    is_checked: bool = True
    """Whether the runs were prepared on paper. They are not where data would be downloaded."""


def plan(
    study: Study,
    folder: Path,
    size: Size,
    runs: Sequence[Run],
    *,
    num_workers: int = 1,
    kept: Path | None = None,
    on_paper: bool = False,
) -> Plan:
    """Returns the plan of some runs of a study.

    Args:
      study: the description.
      folder: of the study. It need not be there, and may be of another size: then nothing is done.
      size: the size of the runs.
      runs: the share that is to be made.
      num_workers: the number of tasks that are made at once.
      kept: a folder that `tools.results pack` made of this study. Its runs count as done, unless
        the study has begun.
      on_paper: prepare the runs that are not done on paper, which takes seconds a network.

    Raises:
      UserError: `kept` is no such folder.
    """
    if kept is not None and not (folder / "study.json").exists():
        with tempfile.TemporaryDirectory() as temporary:
            unpacked = archive.unpack(kept, Path(temporary) / "study")
            return plan(study, unpacked, size, runs, num_workers=num_workers, on_paper=on_paper)

    record = read(folder / "study.json")
    if record.get("size") != size:
        folder = folder / size  # which is not there
    made = {run["folder"]: run for run in record.get("runs", [])}
    every = tasks(study, runs)
    searches = [task for task in every if task.kind == "search"]
    range_tests = [task for task in every if task.kind == "range test"]
    todo = [
        run
        for run in runs
        if not is_done(run, folder / run.folder)
        or not free.is_same(made.get(run.folder, {}), run.config)
    ]
    is_checked = on_paper and paper.is_here(todo)
    faults = paper.faults(study, todo) if is_checked else {}
    can_be_made = [run for run in todo if run.folder not in faults]
    to_make = [task for task in tasks(study, can_be_made) if not is_made(task, folder)]
    return Plan(
        runs=runs,
        done=len(runs) - len(todo),
        num_searches=len(searches),
        num_trials=len(searches) * (study.tune.trials if study.tune else 0),
        num_range_tests=len(range_tests),
        num_programs=_num_programs(study.tune, runs, searches, range_tests),
        seconds=Progress(study, folder, to_make, runs, num_workers).seconds_left(),
        faults=faults,
        is_checked=is_checked or not on_paper,
    )


def described(study: Study, folder: Path, size: Size, of: Plan, num_workers: int) -> str:
    """Writes a plan for a person, a line for each fact.

    Args:
      study: the description.
      folder: of the study.
      size: the size of the runs.
      of: the plan.
      num_workers: the number of tasks that are made at once.
    """
    epochs = sorted({run.config.epochs for run in of.runs})
    length = " to ".join(dict.fromkeys(f"{end}" for end in epochs[:1] + epochs[-1:]))
    facts = {
        "study": study.title,
        "size": size,
        "folder": folder,
        "runs": f"{len(of.runs)}, of which {of.done} are done; {length} epochs each",
        "searches": f"{of.num_searches}, of {of.num_trials} trials in all",
        "range tests": of.num_range_tests,
        "programs": f"{of.num_programs} to compile; runs that differ in their schedule, seed or "
        "length alone share one",
        "made at once": num_workers,
        "time": _time(of),
        "not possible": "\n  ".join([f"{len(of.faults)} runs", *failures.told(of.runs, of.faults)]),
        "not checked": "whether each run can be made, since data would have to be downloaded",
    }
    left_out = {
        "searches": of.num_searches,
        "range tests": of.num_range_tests,
        "not possible": len(of.faults),
        "not checked": not of.is_checked,
    }
    return "\n".join(
        f"{name:<13} {value}" for name, value in facts.items() if left_out.get(name, 1)
    )


def sizes(file: Path) -> Mapping[Size, Study]:
    """Returns the study of a file in each size for which the file gives one.

    Raises:
      UserError: it gives none.
    """
    found: dict[Size, Study] = {}
    first: UserError | None = None
    for size in typing.get_args(Size):
        try:
            found[size] = load_study(file, size)
        except UserError as error:
            first = first or error
    if first is not None and not found:
        raise first
    return found


def brief(of: Plan) -> str:
    """Writes a plan in a few words: `8 runs and 24 trials, about 0:12:00`."""
    trials = f" and {of.num_trials} trials" if of.num_trials else ""
    time = "" if of.seconds is None else f", about {duration(of.seconds)} left"
    return f"{len(of.runs)} runs{trials}{time}"


def _time(of: Plan) -> str:
    if of.done == len(of.runs):
        return "nothing is left to make"
    if of.seconds is None:
        return "not known, since no run of this size has ended in that folder"
    return f"about {duration(of.seconds)} at the pace of the runs that are done, less compilation"


def _num_programs(
    tune: Tune | None, runs: Sequence[Run], searches: Sequence[Task], range_tests: Sequence[Task]
) -> int:
    keys = {_program(run.config) for run in runs}
    for task in range_tests:  # a range test has no threshold at which it halts
        keys.add(_program(changed(task.run.config, {"halt": Halt(threshold=None)})))
    others = 0
    for task in searches if tune is not None else ():
        assert tune is not None
        trial = changed(task.run.config, tune.changes)
        ranges = tune.search[task.run.labels[tune.axis]]
        if any(_is_compiled(trial, name, each) for name, each in ranges.items()):
            others += tune.trials  # each trial has a program of its own
        else:
            keys.add(_program(trial))
    return len(keys) + others


def _is_compiled(config: Config, name: str, within: Range) -> bool:
    """Tells whether a program depends on a field that is searched."""
    try:
        ends = [changed(config, {name: value}) for value in (within.low, within.high)]
    except UserError:
        return not name.startswith("schedule.")  # an end that another setting forbids
    return len({_program(each) for each in ends}) > 1


def _program(config: Config) -> tuple[str, str]:
    """Returns what decides whether two runs share a program."""
    return fields_of(config), config.dataset  # which has the number of classes

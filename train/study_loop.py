"""The runs of a study, one after the other, each resumable and skipped where it is done."""

import time
from collections.abc import Sequence
from pathlib import Path

from train import (
    checkpoint,
    loop,
    range_test,
    report,
    sources,
    study_record,
    tune,
    workdir,
)
from train.changes import Changes, changed
from train.config import Config
from train.errors import UserError
from train.files import one_at_a_time
from train.guard import Halted
from train.log import read_metrics
from train.study import SETTINGS, TUNED, Bounds, Labels, Run, Size, Study
from train.study_record import claim, combination, read, write

Jobs = tuple[int, int]
"""Which share of how many, counted from 1: (1, 4) is the first quarter."""


def run(study: Study, folder: Path, *, name: str, size: Size, jobs: Jobs = (1, 1)) -> None:
    """Makes the runs, and writes the report of all that are there.

    The same command again goes on: runs that are done are skipped, one that was interrupted goes on
    from its checkpoint. One program serves all runs that differ in schedule and seed alone.

    Args:
      study: the description.
      folder: of the study; each run has a folder in it.
      name: of the study, for the report.
      size: which size `study` is of.
      jobs: the share to make: machines may share the folder.

    Raises:
      UserError: a configuration, the data or the folder cannot be used, or it holds another study.
      Interrupted: a signal came; the run's state is saved.
    """
    runs = share(study, jobs)
    begin(study, folder, name=name, size=size)
    todo = [each for each in runs if not is_done(each, folder / each.folder)]
    if len(todo) < len(runs):
        print(f"{len(runs) - len(todo)} of {len(runs)} runs are done", flush=True)
    began = time.monotonic()
    for made, each in enumerate(todo, 1):
        print(f"run {len(runs) - len(todo) + made} of {len(runs)}: {each.folder}", flush=True)
        outcome = make(study, each, folder, jobs=jobs)
        left = (time.monotonic() - began) / made * (len(todo) - made)
        print(f"  {outcome}; {_duration(left)} left", flush=True)
    finish(study, folder, name=name, size=size)


def begin(study: Study, folder: Path, *, name: str, size: Size) -> None:
    """Takes the folder, and looks for the data of all runs before the first is made."""
    workdir.make(folder)
    with one_at_a_time(folder):
        claim(study, folder, name=name, size=size)
    for dataset, data_dir in {(run.config.dataset, run.config.data_dir) for run in study.runs()}:
        sources.find(dataset, data_dir)


def finish(study: Study, folder: Path, *, name: str, size: Size) -> None:
    """Records what the range tests and searches found, and writes the report."""
    with one_at_a_time(folder):
        claim(study, folder, name=name, size=size)
        report.write(folder)
    print(f"The report: {folder / 'report.html'}, and {folder / 'report.md'}.")


def share(study: Study, jobs: Jobs) -> Sequence[Run]:
    """A share of the runs, with about as many epochs as any; neighbours, which share a program.

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
        work = run.config.epochs
        if _is_tuned(run) and study.tune and combination(run.labels) not in searched:
            searched.add(combination(run.labels))
            work *= 1 + study.tune.trials
        middles.append(total + work / 2)
        total += work
    return [
        run
        for run, middle in zip(runs, middles, strict=True)
        if number - 1 <= middle * of / total < number
    ]


def is_done(run: Run, folder: Path) -> bool:
    """Whether a run has ended, or was halted for good."""
    if (folder / "summary.json").exists():
        return True
    halted = read(folder / "halted.json")
    return bool(halted) and (run.retry is None or "again" in halted)


def make(study: Study, run: Run, folder: Path, *, jobs: Jobs = (1, 1)) -> str:
    """Makes a run, after the range test and the search that it needs, and says how it ended.

    Of its checkpoints the newest stays: three for each of a hundred runs would fill a disk.

    Args:
      study: the description.
      run: one of its runs.
      folder: of the study.
      jobs: the share that makes it.
    """
    bounds = _bounds(study, run.labels, folder)
    tuned = _tuned(study, run, folder, bounds, jobs)
    config = study.config(run.labels, run.seed, bounds=bounds, tuned=tuned)
    here = folder / run.folder
    while not is_done(run, here):
        halted = read(here / "halted.json")
        adjusted = changed(config, run.retry) if halted and run.retry else config
        try:
            loop.run(adjusted, here, adjust_schedule=bool(halted), is_quiet=True)
        except Halted as halt:
            record = {"step": halt.step, "reason": halt.reason}
            record = {**halted, "again": record} if halted else record
            write(here / "halted.json", record)
    checkpoint.thin(here / "checkpoints")
    if summary := read(here / "summary.json"):
        accuracy, seconds = summary["test_accuracy"], _duration(summary["seconds"])
        return f"{accuracy:.1%} test accuracy, {seconds}".replace("%", " %")
    halted = read(here / "halted.json")
    return f"halted after step {halted['step']:,}, {halted['reason']}"


def _bounds(study: Study, labels: Labels, folder: Path) -> Bounds | None:
    """The bounds for these labels, from their range test; it is made at need."""
    tests = study.range_tests
    if tests is None:
        return None
    label = labels[tests.axis]
    here = folder / study_record.range_test_folder(label)
    with one_at_a_time(folder):
        if not (here / "range_test.json").exists():
            first = next(run for run in study.runs() if run.labels[tests.axis] == label)
            sweep = {name: getattr(tests, name) for name in ("min_value", "max_value", "num_steps")}
            print(f"range test of {label}", flush=True)
            range_test.run(first.config, here, **sweep, sweep=tests.sweep)
    return study_record.read_bounds(tests, here)[0]


def _tuned(
    study: Study, run: Run, folder: Path, bounds: Bounds | None, jobs: Jobs
) -> Changes | None:
    """What the search for this combination of labels found; it is made, or goes on, at need."""
    if study.tune is None or not _is_tuned(run):
        return None
    here = folder / "tuning" / combination(run.labels)
    if not (here / "found.json").exists():
        config = study.config(run.labels, study.tune.seed, bounds=bounds)
        ranges = study.tune.search[run.labels[study.tune.axis]]
        print(f"tuning of {combination(run.labels)}: {study.tune.trials} trials", flush=True)
        worker = _worker(study, run, jobs)
        found = tune.search(study.tune, config, ranges, here, _trial, worker=worker)
        record = {"best": found.best, "trials": found.trials, "value": found.value}
        write(here / "found.json", record)
    best: Changes = read(here / "found.json")["best"]
    return best


def _worker(study: Study, run: Run, jobs: Jobs) -> str:
    """This share's name among those that have runs of the same search."""
    name = combination(run.labels)
    shares = [share(study, (number, jobs[1])) for number in range(1, jobs[1] + 1)]
    holders = [
        number
        for number, runs in enumerate(shares, 1)
        if any(_is_tuned(each) and combination(each.labels) == name for each in runs)
    ]
    return f"{holders.index(jobs[0]) + 1}/{len(holders)}"


def _is_tuned(run: Run) -> bool:
    return run.labels.get(SETTINGS) == TUNED


def _trial(config: Config, folder: Path) -> float:
    try:
        loop.run(config, folder, is_quiet=True)
    except Halted:
        return float("nan")
    checkpoint.thin(folder / "checkpoints")
    lines = read_metrics(folder / "metrics.jsonl")
    return float([line for line in lines if line.get("split") == "validation"][-1]["accuracy"])


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"

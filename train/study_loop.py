"""The runs of a study, one after the other, each resumable and skipped where it is done."""

import time
from collections.abc import Sequence
from pathlib import Path

from train import checkpoint, loop, range_test, report, study_record, tune
from train.changes import Changes, changed
from train.config import Config
from train.errors import UserError
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
    claim(study, folder, name=name, size=size)
    runs = share(study.runs(), jobs)
    todo = [each for each in runs if not is_done(each, folder / each.folder)]
    if len(todo) < len(runs):
        print(f"{len(runs) - len(todo)} of {len(runs)} runs are done", flush=True)
    began = time.monotonic()
    for made, each in enumerate(todo, 1):
        outcome = make(study, each, folder, jobs=jobs)
        left = (time.monotonic() - began) / made * (len(todo) - made)
        place = f"run {len(runs) - len(todo) + made} of {len(runs)}"
        print(f"{place}: {each.folder}: {outcome}; {_duration(left)} left", flush=True)
    finish(study, folder, name=name, size=size)


def finish(study: Study, folder: Path, *, name: str, size: Size) -> None:
    """Records what the range tests and searches found, and writes the report."""
    claim(study, folder, name=name, size=size)
    report.write(folder)
    print(f"The report: {folder / 'report.html'}, and {folder / 'report.md'}.")


def share(runs: Sequence[Run], jobs: Jobs) -> Sequence[Run]:
    """A share of the runs; neighbours, since they share a program.

    Raises:
      UserError: there is no such share.
    """
    number, of = jobs
    if not 1 <= number <= of:
        raise UserError(f"`--jobs` must be i/n with i from 1 to n, got {number}/{of}. Take 1/{of}.")
    return runs[len(runs) * (number - 1) // of : len(runs) * number // of]


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
    if not (here / "range_test.json").exists():
        of_label = study.axes[tests.axis][label]
        config = study.base if callable(of_label) else changed(study.base, of_label)
        sweep = {name: getattr(tests, name) for name in ("min_value", "max_value", "num_steps")}
        print(f"range test of {label}", flush=True)
        range_test.run(config, here, **sweep, sweep=tests.sweep)
    return study_record.read_bounds(tests, here)[0]


def _tuned(
    study: Study, run: Run, folder: Path, bounds: Bounds | None, jobs: Jobs
) -> Changes | None:
    """What the search for this combination of labels found; it is made, or goes on, at need."""
    if study.tune is None or run.labels[SETTINGS] != TUNED:
        return None
    here = folder / "tuning" / combination(run.labels)
    if not (here / "found.json").exists():
        config = study.config(run.labels, study.tune.seed, bounds=bounds)
        ranges = study.tune.search[run.labels[study.tune.axis]]
        print(f"tuning of {combination(run.labels)}: {study.tune.trials} trials", flush=True)
        found = tune.search(study.tune, config, ranges, here, _trial, worker=f"{jobs[0]}/{jobs[1]}")
        record = {"best": found.best, "trials": found.trials, "value": found.value}
        write(here / "found.json", record)
    best: Changes = read(here / "found.json")["best"]
    return best


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

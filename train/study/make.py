"""What a worker of a study makes: a range test, a search, a run."""

from pathlib import Path

from train.changes import Changes, changed
from train.config import Config
from train.errors import Halted
from train.folder.files import one_at_a_time
from train.folder.log import read_metrics
from train.folder.thin import thin
from train.run import loop, range_test
from train.study import Bounds, Labels, Run, Size, Study, load, repeats, tune
from train.study.record import combination, is_done, range_test_folder, read, read_bounds, write
from train.study.tasks import Jobs, Task, is_tuned, repeat, share, tasks
from train.study.worker import Do


def doer(file: Path, size: Size, data_dir: str | None, folder: Path, jobs: Jobs) -> Do:
    """Returns what a worker makes tasks of a study file with, by their keys.

    Args:
      file: of the study.
      size: which size.
      data_dir: where TensorFlow Datasets keeps its data; None: as the study says.
      folder: of the study.
      jobs: the share that is made.
    """
    study = load.prepare_study(file, size, data_dir)
    runs = study.runs()
    known = {task.key: task for task in [*tasks(study, runs), *(repeat(study, r) for r in runs)]}
    return lambda key: do(study, known[key], folder, jobs=jobs)


def do(study: Study, task: Task, folder: Path, *, jobs: Jobs = (1, 1)) -> str:
    """Makes a task whose needs are met, and says how it ended.

    Args:
      study: the description.
      task: one of its tasks.
      folder: of the study.
      jobs: the share that makes it.
    """
    match task.kind:
        case "range test":
            low, high = _bounds(study, task.run.labels, folder) or (0.0, 0.0)
            return f"from {low:.2g} to {high:.2g}"
        case "search":
            found = _tuned(study, task.run, folder, _bounds(study, task.run.labels, folder), jobs)
            return ", ".join(f"{name} {value:.4g}" for name, value in (found or {}).items())
        case "repeat":
            config = _config(study, task.run, folder, jobs)
            return repeats.make(config, task.name, folder)
        case "run":
            return make(study, task.run, folder, jobs=jobs)


def make(study: Study, run: Run, folder: Path, *, jobs: Jobs = (1, 1)) -> str:
    """Makes a run, after the range test and the search that it needs, and says how it ended.

    Of its checkpoints the newest stays: three for each of a hundred runs would fill a disk.

    Args:
      study: the description.
      run: one of its runs.
      folder: of the study.
      jobs: the share that makes it.
    """
    config = _config(study, run, folder, jobs)
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
    thin(here / "checkpoints")
    if summary := read(here / "summary.json"):
        return f"{100 * summary['test_accuracy']:.1f} %"
    return f"halted after step {read(here / 'halted.json')['step']}"


def _config(study: Study, run: Run, folder: Path, jobs: Jobs) -> Config:
    """Returns a run's configuration, with what its range test and its search found."""
    bounds = _bounds(study, run.labels, folder)
    tuned = _tuned(study, run, folder, bounds, jobs)
    return study.config(run.labels, run.seed, bounds=bounds, tuned=tuned)


def _bounds(study: Study, labels: Labels, folder: Path) -> Bounds | None:
    """Returns the bounds for these labels, from their range test; it is made at need."""
    tests = study.range_tests
    if tests is None:
        return None
    label = labels[tests.axis]
    here = folder / range_test_folder(label)
    with one_at_a_time(folder):
        if not (here / "range_test.json").exists():
            first = next(run for run in study.runs() if run.labels[tests.axis] == label)
            sweep = {name: getattr(tests, name) for name in ("min_value", "max_value", "num_steps")}
            range_test.run(first.config, here, **sweep, sweep=tests.sweep)
    return read_bounds(tests, here)[0]


def _tuned(
    study: Study, run: Run, folder: Path, bounds: Bounds | None, jobs: Jobs
) -> Changes | None:
    """Returns what the search for this combination of labels found; it is made, or goes on, at need."""
    if study.tune is None or not is_tuned(run):
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
    """Returns this share's name among those that have runs of the same search."""
    name = combination(run.labels)
    shares = [share(study, (number, jobs[1])) for number in range(1, jobs[1] + 1)]
    holders = [
        number
        for number, runs in enumerate(shares, 1)
        if any(is_tuned(each) and combination(each.labels) == name for each in runs)
    ]
    return f"{holders.index(jobs[0]) + 1}/{len(holders)}"


def _trial(config: Config, folder: Path) -> float:
    try:
        loop.run(config, folder, is_quiet=True)
    except Halted:
        return float("nan")
    thin(folder / "checkpoints")
    lines = read_metrics(folder / "metrics.jsonl")
    return float([line for line in lines if line.get("split") == "validation"][-1]["accuracy"])

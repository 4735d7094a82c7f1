"""Makes the tasks of a study: a range test, a search, a run, a run once more."""

from pathlib import Path

from train.changes import Changes, changed
from train.config import Config
from train.errors import Halted, UserError
from train.folder.files import one_at_a_time
from train.folder.log import read_metrics
from train.folder.thin import thin
from train.folder.workdir import settings_sha256
from train.run import loop, range_test
from train.study import Bounds, Labels, Run, Size, Study, load, repeats, tune
from train.study.names import combination, range_test_folder
from train.study.record import is_done, read, read_bounds, write
from train.study.tasks import Jobs, Task, is_tuned, repeat, share, tasks
from train.study.worker import Do
from train.tasks.task import measures_of


def doer(file: Path, size: Size, data_dir: str | None, folder: Path, jobs: Jobs) -> Do:
    """Returns the function with which a worker makes the tasks of a study, by their keys.

    Args:
      file: the study's file.
      size: the size of its runs.
      data_dir: the folder where TensorFlow Datasets keeps its data; None: as the study says.
      folder: of the study.
      jobs: the share that is made.
    """
    study = load.prepare_study(file, size, data_dir)
    runs = study.runs()
    begun = {run["folder"]: run["sha256"] for run in read(folder / "study.json").get("runs", [])}
    if any(begun.get(run.folder) != settings_sha256(run.config) for run in runs):
        raise UserError(
            f"The study's file must stay as it was while its runs are made, got other settings in "
            f"{file}. Start the study again."
        )
    known = {task.key: task for task in [*tasks(study, runs), *(repeat(study, r) for r in runs)]}
    return lambda key: do(study, known[key], folder, jobs=jobs)


def do(study: Study, task: Task, folder: Path, *, jobs: Jobs = (1, 1)) -> str:
    """Makes a task, and says how it ended. The tasks that it needs have ended.

    Args:
      study: the description.
      task: one of the study's tasks.
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
            return make_run(study, task.run, folder, jobs=jobs)


def make_run(study: Study, run: Run, folder: Path, *, jobs: Jobs = (1, 1)) -> str:
    """Makes a run, after the range test and the search that it needs, and says how it ended.

    Only the newest checkpoint is kept: three for each of a hundred runs would fill a disk.

    Args:
      study: the description.
      run: one of the study's runs.
      folder: of the study.
      jobs: the share that makes it.
    """
    config = _config(study, run, folder, jobs)
    run_folder = folder / run.folder
    for _ in range(2):  # once more where it goes on after a halt
        if is_done(run, run_folder):
            break
        halted = read(run_folder / "halted.json")
        adjusted = changed(config, run.retry) if halted and run.retry else config
        try:
            loop.run(adjusted, run_folder, adjust_schedule=bool(halted), is_quiet=True)
        except Halted as halt:
            record = {"step": halt.step, "reason": halt.reason.words}
            record = {**halted, "again": record} if halted else record
            write(run_folder / "halted.json", record)

    if not is_done(run, run_folder):
        raise UserError(
            f"The records of a run must be whole, and those in {run_folder} are not after its last "
            "step. Move that folder away, and the run is made anew."
        )
    thin(run_folder / "checkpoints")
    if summary := read(run_folder / "summary.json"):
        first = measures_of(config)[0]
        return f"{first.noun} {first.text(summary[f'test_{first.name}'], first.digits - 1)}"
    return f"halted after step {read(run_folder / 'halted.json')['step']}"


def _config(study: Study, run: Run, folder: Path, jobs: Jobs) -> Config:
    """Returns a run's configuration, with the findings of its range test and its search."""
    bounds = _bounds(study, run.labels, folder)
    tuned = _tuned(study, run, folder, bounds, jobs)
    return study.config(run.labels, run.seed, bounds=bounds, tuned=tuned)


def _bounds(study: Study, labels: Labels, folder: Path) -> Bounds | None:
    """Returns the bounds for these labels. Their range test is made if there is none yet."""
    tests = study.range_tests
    if tests is None:
        return None
    label = labels[tests.axis]
    test_folder = folder / range_test_folder(label)
    with one_at_a_time(folder):
        if not (test_folder / "range_test.json").exists():
            first = next(run for run in study.runs() if run.labels[tests.axis] == label)
            sweep = {name: getattr(tests, name) for name in ("min_value", "max_value", "num_steps")}
            range_test.run(first.config, test_folder, **sweep, sweep=tests.sweep)
    return read_bounds(tests, test_folder)[0]


def _tuned(
    study: Study, run: Run, folder: Path, bounds: Bounds | None, jobs: Jobs
) -> Changes | None:
    """Returns the finding of the search for these labels. It is made, or goes on, if need be."""
    if study.tune is None or not is_tuned(run):
        return None
    search_folder = folder / "tuning" / combination(run.labels)
    if not (search_folder / "found.json").exists():
        config = study.config(run.labels, study.tune.seed, bounds=bounds)
        ranges = study.tune.search[run.labels[study.tune.axis]]
        print(f"tuning of {combination(run.labels)}: {study.tune.trials} trials", flush=True)
        worker = _worker(study, run, jobs)
        try:
            found = tune.search(study.tune, config, ranges, search_folder, _trial, worker=worker)
        except tune.NothingFoundError as error:
            write(search_folder / "failed.json", {"why": str(error)})  # the next start begins anew
            raise
        record = {"best": found.best, "trials": found.trials, "value": found.value}
        write(search_folder / "found.json", record)
    best: Changes = read(search_folder / "found.json")["best"]
    return best


def _worker(study: Study, run: Run, jobs: Jobs) -> str:
    """Returns the name of this share among the shares that have runs of the same search."""
    name = combination(run.labels)
    shares = [share(study, (number, jobs[1])) for number in range(1, jobs[1] + 1)]
    holders = [
        number
        for number, runs in enumerate(shares, 1)
        if any(is_tuned(each) and combination(each.labels) == name for each in runs)
    ]
    return f"{holders.index(jobs[0]) + 1}/{len(holders)}"


def _trial(config: Config, folder: Path) -> float:
    """Makes the run of a trial, and returns what is sought the highest; NaN if it was halted."""
    try:
        loop.run(config, folder, is_quiet=True)
    except Halted:
        return float("nan")
    thin(folder / "checkpoints")
    lines = read_metrics(folder / "metrics.jsonl")
    last = [line for line in lines if line.get("split") == "validation"][-1]
    first = measures_of(config)[0]
    return first.better * float(last[first.name])

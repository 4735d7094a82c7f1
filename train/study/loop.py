"""Makes the runs of a study that are not done yet, one by one or side by side."""

import dataclasses
import functools
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from train import report
from train.data import sources
from train.errors import Interrupted, UserError, sentence
from train.folder import workdir
from train.folder.files import one_at_a_time
from train.report import restoring
from train.report.claims.checks import CHECKS
from train.study import Run, Size, Study, failures, paper, pool, repeats
from train.study.make import do
from train.study.progress import PAGE, Progress
from train.study.record import is_done, write_study
from train.study.tasks import Jobs, Task, is_made, repeat, share, tasks
from train.study.worker import Do


@dataclasses.dataclass(frozen=True)
class Workers:
    """The processes that make a study's tasks side by side."""

    start: Callable[[], Do]
    """`make.doer` of the same study, as a partial that can be pickled."""
    cores: Sequence[Sequence[int]]
    """The CPU cores of each worker."""


def run(
    study: Study,
    folder: Path,
    *,
    name: str,
    size: Size,
    jobs: Jobs = (1, 1),
    workers: Workers | None = None,
    kept: Path | None = None,
) -> None:
    """Makes the runs, and writes the report of all runs that are there.

    Each run is prepared on paper before the first begins. A run that cannot be made, or fails
    later, is recorded with its sentence, and the others go on.

    The same command goes on: runs that are done are skipped, and one that was interrupted goes on
    from its checkpoint. Runs that differ only in schedule and seed share one compiled program.

    Args:
      study: the description.
      folder: of the study. Each run has a folder in it.
      name: of the study, for the report.
      size: the size of the study's runs.
      jobs: the share to make, since several machines may share the folder.
      workers: make the runs side by side; None: one after the other, in this process.
      kept: a folder that `tools.results pack` made of this study. Its runs are copied.

    Raises:
      UserError: a configuration, the data or the folder cannot be used, or the folder holds another
        study.
      Incomplete: some runs could not be made. The others are.
      Interrupted: a signal came. The state of each run that was being made is saved.
    """
    runs = share(study, jobs)
    begin(study, folder, name=name, size=size, kept=kept)
    todo = [each for each in runs if not is_done(each, folder / each.folder)]
    if len(todo) < len(runs):
        print(f"{len(runs) - len(todo)} of {len(runs)} runs are done", flush=True)

    faults = on_paper(study, folder, todo, paper.faults(study, todo))
    can_be_made = [each for each in todo if each.folder not in faults]
    again = [repeat(study, each) for each in repeats.due(folder, runs)] if can_be_made else []
    of_runs = [task for task in tasks(study, can_be_made) if not is_made(task, folder)]
    to_make = [*again, *of_runs]
    num_workers = len(workers.cores) if workers else 1
    progress = Progress(study, folder, to_make, runs, num_workers=num_workers)
    progress.failed |= {f"run {name}": why for name, why in faults.items()}
    if workers is None:
        _one_by_one(study, folder, to_make, progress, jobs)
    elif to_make:
        record = functools.partial(_write_record, study, folder, name=name, size=size)
        _side_by_side(to_make, folder, progress, workers, record)
    progress.write()
    finish(study, folder, name=name, size=size)
    if progress.failed:
        raise failures.incomplete(runs, progress.failed)


def on_paper(
    study: Study, folder: Path, todo: Sequence[Run], faults: Mapping[str, str]
) -> Mapping[str, str]:
    """Writes and says which runs cannot be made, and forgets why others could not before.

    Args:
      study: the description.
      folder: of the study.
      todo: the runs that are tried now.
      faults: why some of them cannot be made, by their folders.

    Returns:
      `faults`.
    """
    for run in todo:
        if run.folder in faults:
            failures.note(folder, run, faults[run.folder])
        else:
            failures.forget(folder, run)
    if faults:
        print(f"{len(faults)} of {len(study.runs())} runs cannot be made:", flush=True)
        print(*(f"  {line}" for line in failures.told(todo, faults)), sep="\n", flush=True)
    return faults


def begin(study: Study, folder: Path, *, name: str, size: Size, kept: Path | None = None) -> None:
    """Takes the folder, and finds the data of all runs before the first run is made."""
    for each in study.claims:
        if each.check not in CHECKS:
            raise UserError(
                f"`check` of the claim {each.id} must be one of {', '.join(CHECKS)}, got "
                f"{each.check}. Mend it in the study's configuration."
            )
    workdir.make_folder(folder)
    with one_at_a_time(folder):
        says = write_study(study, folder, name=name, size=size, is_start=True)
    print(*(f"{line}\n" for line in says), sep="", end="", flush=True)
    if kept is not None:
        with one_at_a_time(folder):
            print(restoring.restore(kept, folder), flush=True)
        _write_record(study, folder, name=name, size=size)
    configs = [run.config for run in study.runs()]
    images = {(each.dataset, each.data_dir or "") for each in configs if each.task is None}
    names = sorted({each.dataset for each in configs})
    print(_data(names, {name for name, _ in images}), flush=True)
    for dataset, data_dir in sorted(images):
        sources.find(dataset, data_dir or None)


def _data(names: Sequence[str], of_images: Collection[str]) -> str:
    """Names the data sets, and says which sets of images may have to be downloaded."""
    said = f"Data: {', '.join(dict.fromkeys(names))}."
    # The digits come with a library, and a folder of images is on this machine.
    far = [name for name in names if name != "digits" and not Path(name).expanduser().is_dir()]
    far = [name for name in dict.fromkeys(far) if not name.startswith((".", "~", "/"))]
    far = [name for name in far if name in of_images]
    if not far:
        return said
    which = f"{' and '.join(far)} {'is' if len(far) == 1 else 'are'}"
    return f"{said} The first time, {which} downloaded and prepared."


def finish(study: Study, folder: Path, *, name: str, size: Size) -> None:
    """Records the findings of range tests and searches, and writes the report."""
    _write_record(study, folder, name=name, size=size)
    with one_at_a_time(folder):
        report.write(folder)
    print(f"The report: {folder / 'report.html'}, and {folder / 'report.md'}.")


def _write_record(study: Study, folder: Path, *, name: str, size: Size) -> None:
    """Writes `study.json`, with the range tests and searches that have ended."""
    with one_at_a_time(folder):
        write_study(study, folder, name=name, size=size)


def _one_by_one(
    study: Study, folder: Path, todo: Sequence[Task], progress: Progress, jobs: Jobs
) -> None:
    """Makes the tasks in this process."""
    for task in todo:
        print(f"{task.kind} {progress.place(task)}{task.name}", flush=True)
        progress.began(task)
        outcome, is_failed = _made(study, task, folder, progress, jobs)
        if is_failed and task.kind == "run":
            failures.note(folder, task.run, outcome)
        line = progress.ended(task, outcome, is_failed=is_failed)
        print(f"  {line.partition(f'{task.name}: ')[2]}", flush=True)


def _made(
    study: Study, task: Task, folder: Path, progress: Progress, jobs: Jobs
) -> tuple[str, bool]:
    """Makes a task. It returns how it ended, and whether it failed."""
    if lacking := {key: progress.failed[key] for key in task.needs & progress.failed.keys()}:
        return failures.needed(lacking), True
    try:
        return do(study, task, folder, jobs=jobs), False
    except Interrupted:
        raise
    except Exception as error:  # whatever a network of the user's own or a device raises
        if not isinstance(error, UserError):
            traceback.print_exc()
        return sentence(error), True


def _side_by_side(
    todo: Sequence[Task],
    folder: Path,
    progress: Progress,
    workers: Workers,
    record: Callable[[], None],
) -> None:
    def ended(each: pool.Ended) -> None:
        if each.task.kind != "run":
            record()  # a finding is part of study.json
        elif each.is_failed:
            failures.note(folder, each.task.run, each.outcome)
        line = progress.ended(each.task, each.outcome, is_failed=each.is_failed)
        print(line, flush=True)

    print(f"{len(workers.cores)} workers; see {folder / PAGE}", flush=True)
    try:
        pool.make(
            todo,
            workers.start,
            workers.cores,
            folder,
            began=progress.began,
            ended=ended,
            looked=functools.partial(progress.write, seldom=True),
        )
    except Interrupted as stop:
        progress.stop(str(stop))
        raise

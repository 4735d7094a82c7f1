"""Runs `python -m train study`: the runs of a study file, here or on a Ray cluster."""

import functools
import re
from pathlib import Path

from train.cli.arguments import RunStudy
from train.errors import UserError
from train.study import Study, loop, make, pool
from train.study.load import prepare_study
from train.study.tasks import Jobs, share


def run(command: RunStudy) -> None:
    """Makes the runs of a study.

    Raises:
      UserError: the file, the folder, the data, `--jobs` or `--workers` cannot be used.
      Interrupted: a signal came; the run's state is saved.
    """
    name = command.file.stem
    folder = command.workdir or Path("runs") / f"{name}_{command.size}"
    study = prepare_study(command.file, command.size, command.data_dir)
    name, size = name.removeprefix("study_"), command.size
    jobs = _jobs(command.jobs)
    if command.executor == "ray":
        if command.workers is not None:
            raise UserError(
                f"`--workers` must go with `--executor local`, got {command.workers} and ray. "
                "Ray has workers of its own: leave one of them out."
            )
        from train.study import ray

        runs = share(study, jobs)
        loop.begin(study, folder, name=name, size=size, kept=command.kept)
        ray.make(study, runs, command.file.absolute(), size, command.data_dir, folder, jobs)
        loop.finish(study, folder, name=name, size=size)
    else:
        workers = _workers(command, study, folder, jobs)
        loop.run(study, folder, name=name, size=size, jobs=jobs, workers=workers, kept=command.kept)


def _workers(command: RunStudy, study: Study, folder: Path, jobs: Jobs) -> loop.Workers | None:
    if command.workers is None and study.cores is None:
        return None
    start = functools.partial(
        make.doer,
        command.file.absolute(),
        command.size,
        command.data_dir,
        folder.absolute(),
        jobs,
    )
    return loop.Workers(start, pool.cores_of(command.workers, study.cores))


def _jobs(text: str) -> Jobs:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found:
        raise UserError(f"`--jobs` must be i/n, got {text}. The first of four shares is 1/4.")
    return int(found[1]), int(found[2])

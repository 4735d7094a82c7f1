"""Runs `python -m train study`: the runs of a study file, here or on a Ray cluster."""

import functools
import re
from pathlib import Path

from train.cli.commands import RunStudy
from train.errors import UserError
from train.study import Size, Study, failures, loop, make, pool
from train.study.hold import held
from train.study.load import prepare_study
from train.study.plan import brief, described, plan, sizes
from train.study.tasks import Jobs, share


def run(command: RunStudy) -> None:
    """Makes the runs of a study, or with `--dry-run` says what it would make.

    Raises:
      UserError: the file, the folder, the data, `--size`, `--jobs` or `--workers` cannot be used.
      Incomplete: some runs could not be made; the others are.
      Interrupted: a signal came; the run's state is saved.
    """
    if command.dry_run:
        print("\n\n".join([*_plans(command), "Nothing was made."]))
        return
    if command.size is None:
        raise _no_size(command)
    size, folder = command.size, _folder(command, command.size)
    study = prepare_study(command.file, size, command.data_dir)
    name = command.file.stem.removeprefix("study_")
    jobs = _jobs(command.jobs)
    runs = share(study, jobs)
    if command.executor == "ray" and command.workers is not None:
        raise UserError(
            f"`--workers` must go with `--executor local`, got {command.workers} and ray. "
            "Ray has workers of its own: leave one of them out."
        )
    workers = _workers(command, study, size, folder, jobs)
    with held(folder, jobs):
        if command.executor == "local":
            loop.run(
                study, folder, name=name, size=size, jobs=jobs, workers=workers, kept=command.kept
            )
            return
        from train.study import ray

        loop.begin(study, folder, name=name, size=size, kept=command.kept)
        file = command.file.absolute()
        failed = ray.make(study, runs, file, size, command.data_dir, folder, jobs)
        loop.finish(study, folder, name=name, size=size)
        if failed:
            raise failures.incomplete(runs, failed)


def _folder(command: RunStudy, size: Size) -> Path:
    return command.workdir or Path("runs") / f"{command.file.stem}_{size}"


def _plans(command: RunStudy) -> list[str]:
    """Returns the plan of the size that is asked for, else of every size."""
    found = []
    for size, study in sizes(command.file).items():
        if command.size in (None, size):
            folder, runs = _folder(command, size), share(study, _jobs(command.jobs))
            is_parallel = command.workers is not None or study.cores is not None
            cores = pool.cores_of(command.workers, study.cores) if is_parallel else [[]]
            of = plan(
                study, folder, size, runs,
                num_workers=len(cores), kept=command.kept, on_paper=True,
            )  # fmt: skip
            found.append(described(study, folder, size, of, len(cores)))
    if not found:
        raise _no_size(command)
    return found


def _no_size(command: RunStudy) -> UserError:
    """Says which sizes there are: the largest takes days, and none is taken unasked."""
    said = [
        f"{size} ({brief(plan(study, _folder(command, size), size, study.runs()))})"
        for size, study in sizes(command.file).items()
    ]
    return UserError(
        f"`--size` must be one of {', '.join(said)}, got {command.size or 'none'}. Begin with the "
        "first one, and see by `--dry-run` what each of them makes."
    )


def _workers(
    command: RunStudy, study: Study, size: Size, folder: Path, jobs: Jobs
) -> loop.Workers | None:
    if command.workers is None and study.cores is None:
        return None
    start = functools.partial(
        make.doer,
        command.file.absolute(),
        size,
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

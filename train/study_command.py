"""`python -m train study`: a study file -> its runs here, or on a Ray cluster."""

import dataclasses
import re
from pathlib import Path

import jax

from train import changes, load, study_loop
from train.commandline import RunStudy
from train.errors import UserError
from train.study import Size, Study


def run(command: RunStudy) -> None:
    """Makes the runs of a study.

    Raises:
      UserError: the file, the folder, the data or `--jobs` cannot be used.
      Interrupted: a signal came; the run's state is saved.
    """
    name = command.file.stem
    folder = command.workdir or Path("runs") / f"{name}_{command.size}"
    study = prepare(command.file, command.size, command.data_dir)
    name, size = name.removeprefix("study_"), command.size
    jobs = _jobs(command.jobs)
    if command.executor == "ray":
        from train import study_ray

        runs = study_loop.share(study, jobs)
        study_loop.begin(study, folder, name=name, size=size)
        study_ray.make(study, runs, command, folder.absolute(), jobs)
        study_loop.finish(study, folder, name=name, size=size)
    else:
        study_loop.run(study, folder, name=name, size=size, jobs=jobs)


def prepare(file: Path, size: Size, data_dir: str | None) -> Study:
    """The study of a file; no device has been used."""
    study = load.load_study(file, size)
    if data_dir is not None:
        study = dataclasses.replace(study, base=changes.changed(study.base, {"data_dir": data_dir}))
    if study.base.cpu_devices > 1:
        jax.config.update("jax_num_cpu_devices", study.base.cpu_devices)
    return study


def _jobs(text: str) -> study_loop.Jobs:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found:
        raise UserError(f"`--jobs` must be i/n, got {text}. The first of four shares is 1/4.")
    return int(found[1]), int(found[2])

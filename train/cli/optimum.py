"""Runs `python -m train optimum`: how far the schedules of a study are from the best possible."""

from pathlib import Path

from train.cli.commands import Optimum
from train.errors import UserError
from train.optimum import find, page
from train.study.load import load_study


def run(command: Optimum) -> None:
    """Computes what is best, writes the page, and prints its sentences.

    Raises:
      UserError: the study, its schedules, `--steps` or `--noises` cannot be used.
    """
    for name in ("steps", "noises"):
        if not getattr(command, name):
            raise UserError(f"`--{name}` must be at least one number, got none. Leave it out.")
    found = find(
        load_study(command.file, command.size),
        command.problem,
        noises=command.noises,
        steps=command.steps,
        num_updates=command.num_updates,
        say=lambda line: print(line, flush=True),
    )
    folder = command.workdir or Path("runs/optimum")
    page.write(folder, found, study=command.file.stem)
    print(*page.sentences(found), folder / "report.html", sep="\n")

"""Shows a run without a step of it: its configuration, its sizes and its schedule."""

import json
import shutil
import sys
from fractions import Fraction
from pathlib import Path

from train.changes import Choice
from train.config import Config, flatten
from train.folder import length as lengths
from train.folder.origin import device
from train.run import sizes
from train.run.job import Job, prepare
from train.run.paper import memory
from train.run.pictures import terminal_picture


def show(config: Config, folder: Path, extend: Choice | None = None) -> None:
    """Prints the configuration, the sizes and the schedule of a run.

    Args:
      config: the run's configuration.
      folder: the run's folder, which is only read, and only where the run gets longer.
      extend: what the rate follows where the run gets longer.

    Raises:
      UserError: the configuration or the data cannot be used, or the run cannot get longer so.
    """
    length = lengths.read(folder, config.to_dict(), extend) if extend else None
    job = prepare(config, stretch=length.stretch if length else Fraction(1))
    for name, value in flatten(config.to_dict()).items():
        print(f"{name:<42} {json.dumps(value)}")
    room = memory(job)
    rows = {
        "devices": device(),
        job.task.noun: job.data.about,
        "parameters": f"{sizes.parameters(job):,}",
        "steps": sizes.steps(job, config),
        "halt": _halt(job),
        "memory a device": f"{sum(room.values()):,.0f} MiB: "
        + ", ".join(f"{name} {size:,.0f}" for name, size in room.items()),
    }
    print()
    for name, text in rows.items():
        print(f"{name:<16} {text}")
    width = min(max(shutil.get_terminal_size().columns, 30), 100)
    is_ascii = not _draws(sys.stdout.encoding)
    picture = terminal_picture(job.schedule, job.total_steps, width, 14, is_ascii=is_ascii)
    print(f"\n{picture}")


def _draws(encoding: str | None) -> bool:
    """Tells whether an encoding has the characters of the picture."""
    try:
        "\u28ff\u2524".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _halt(job: Job) -> str:
    if job.threshold is None:
        return "only where a number is not finite"
    guess = job.data.guess
    return (
        f"above a loss of {job.threshold:.4g}, from epoch {job.config.halt.grace_epochs} on "
        f"({guess.words} has {guess.loss:.3g})"
    )

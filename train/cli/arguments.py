"""The command line: a configuration file and its fields -> a Config."""

import contextlib
import dataclasses
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar

import tyro

from train.config import Config
from train.errors import UserError
from train.study import Size
from train.study.load import load


@dataclasses.dataclass(frozen=True)
class _Common:
    config: Annotated[Config, tyro.conf.arg(name="")]
    workdir: Path
    """The run's folder. The same command again goes on where the run was interrupted."""
    coordinator: str | None = None
    """host:port of process 0, where several processes train together outside a cluster."""
    num_processes: int | None = None
    """How many there are."""
    process_id: int | None = None
    """Which one this is, from 0."""


@dataclasses.dataclass(frozen=True)
class Arguments(_Common):
    """Trains a network as a configuration file says; every field of it can be set here."""

    dry_run: bool = False
    """Print the resolved configuration, sizes and the schedule's picture, and train nothing."""
    adjust_schedule: bool = False
    """Go on with another schedule than the run began with, for example after a halt."""


@dataclasses.dataclass(frozen=True)
class RangeTest(_Common):
    """Trains for a few steps at a rising rate, and suggests rates for a configuration."""

    workdir: Path
    """The folder for range_test.png and range_test.json; a run that it holds is not touched."""
    min_value: float = 1e-6
    """The first rate, so low that nothing is learnt."""
    max_value: float = 10.0
    """The last rate, so high that the loss diverges."""
    num_steps: int = 400
    """How many; the batches of fewer steps than an epoch's are of images never seen."""
    sweep: Literal["exponential", "linear"] = "exponential"
    """exponential finds the order of magnitude, linear the bounds once it is known."""


@dataclasses.dataclass(frozen=True)
class RunStudy:
    """Makes the runs of a study file, skips those that are done, and writes the report."""

    file: tyro.conf.Suppress[Path]
    workdir: Path | None = None
    """The study's folder, with one for each run; machines may share it. None: runs/FILE_SIZE."""
    size: Size = "full"
    """smoke shows in minutes that the study runs; laptop is evidence from a few CPU cores in hours;
    full is the papers' own size, for an accelerator."""
    workers: int | None = None
    """Runs that are made side by side on this machine, each in a process with CPU cores of its own.
    None: as many as there are cores for, where the study says how many a run takes; else one run
    after the other."""
    kept: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """A kept study, results/NAME: its finished runs are taken over, and the others are made."""
    jobs: str = "1/1"
    """i/n: make the i-th of n shares, as in a job array; the last to end has the whole report."""
    executor: Literal["local", "ray"] = "local"
    """ray: the runs are tasks of a Ray cluster, or of this machine (pip install '.[ray]')."""
    data_dir: str | None = None
    """Where TensorFlow Datasets keeps its data; None: as the study says."""


@dataclasses.dataclass(frozen=True)
class Report:
    """Writes the report of a study anew, as far as its runs have come."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The study's folder."""


_QUICKSTART = "configs/quickstart.py"
_Kind = TypeVar("_Kind")
Command: TypeAlias = Arguments | RangeTest | RunStudy | Report
_COMMANDS: dict[str, type[RangeTest | RunStudy | Report]] = {
    "range-test": RangeTest,
    "study": RunStudy,
    "report": Report,
}


def parse(argv: Sequence[str]) -> Command:
    """The arguments of `python -m train`, less the program's name.

    Raises:
      UserError: the file, a field or a value is wrong.
      SystemExit: after `--help`.
    """
    words = [word for word in argv[:1] if word in _COMMANDS]
    kind: type[Command] = _COMMANDS[words[0]] if words else Arguments
    argv = argv[len(words) :]
    if kind is Report:
        return _from_words(Report, "python -m train report", argv)
    if not argv or argv[0].startswith("-"):
        if argv and argv[0] in ("-h", "--help"):
            if kind is RunStudy:
                any_study = RunStudy(file=Path("configs/study_NAME.py"))
                _from_words(RunStudy, f"python -m train study {any_study.file}", argv, any_study)
            print(
                "usage: python -m train [range-test] configs/NAME.py "
                "[--workdir DIR] [--FIELD VALUE ...]\n"
                "       python -m train study configs/study_NAME.py [--size smoke] "
                "[--workdir DIR]\n       python -m train report DIR\n"
            )
            print("For a configuration's fields: python -m train configs/NAME.py --help")
            raise SystemExit(0)
        got = argv[0] if argv else "nothing"
        example = "study configs/study_experiment1.py" if words == ["study"] else _QUICKSTART
        raise UserError(
            f"The first argument must be a configuration file, got {got}. "
            f"For example: python -m train {example}"
        )
    path = Path(argv[0])
    program = " ".join(["python -m train", *words, str(path)])
    if kind is RunStudy:
        return _from_words(RunStudy, program, argv[1:], RunStudy(file=path))
    assert issubclass(kind, _Common)
    defaults = kind(config=load(path), workdir=Path("runs") / path.stem)
    return _from_words(kind, program, argv[1:], defaults)


def _from_words(
    kind: type[_Kind], program: str, words: Sequence[str], defaults: _Kind | None = None
) -> _Kind:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            if defaults is None:
                return tyro.cli(kind, prog=program, args=words)
            return tyro.cli(kind, prog=program, args=words, default=defaults)
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise UserError(f"{_sentence(said.getvalue())} For all fields: --help.") from None


def _sentence(box: str) -> str:
    """What tyro says in a box, up to its first rule, as one line."""
    inside = [line.strip("│ ") for line in box.splitlines() if line.startswith("│")]
    parts = " ".join(re.sub("─{3,}", "\n", line) for line in inside).split("\n")
    message = parts[0].strip().rstrip(".")
    if len(parts) > 1 and "Perhaps you meant" in parts[1]:
        names = dict.fromkeys(re.findall(r"--[\w.-]+", parts[1]))
        message += f". Did you mean {' or '.join(names)}?"
        return message
    return message if message.endswith("?") else f"{message}."

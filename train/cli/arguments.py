"""Reads a command line: a configuration file, and fields of it with other values."""

import contextlib
import dataclasses
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeAlias, TypeVar

import jax
import tyro

import log_anneal
from train import loggers
from train.cli.words import refuse
from train.config import Config
from train.errors import UserError, did_you_mean
from train.study import Size
from train.study.load import load


@dataclasses.dataclass(frozen=True)
class _Common:
    config: Annotated[Config, tyro.conf.arg(name="")]
    workdir: Path
    """The run's folder. Give the same command again to go on with an interrupted run."""
    coordinator: str | None = None
    """The host:port of process 0, where several processes train together outside a cluster.
    None: there is one process, or a cluster's scheduler tells each of them."""
    num_processes: int | None = None
    """The number of processes that train together. It goes with --coordinator."""
    process_id: int | None = None
    """The number of this process, counted from 0. It goes with --coordinator."""


@dataclasses.dataclass(frozen=True)
class Arguments(_Common):
    """Trains a network as a configuration file says. Every field of the file can be set here."""

    dry_run: bool = False
    """Whether to train nothing, and print the configuration, the sizes and the schedule."""
    adjust_schedule: bool = False
    """Whether a run goes on with another schedule than it began with, for example after a halt."""
    log: tuple[loggers.Name, ...] = ()
    """Where the run's numbers go beside its folder: wandb (Weights & Biases), mlflow, or both.
    Each needs its package, as by `pip install '.[wandb]'`. It never ends or slows the run."""


@dataclasses.dataclass(frozen=True)
class RangeTest(_Common):
    """Trains for a few steps at a rising rate, and suggests rates for a configuration."""

    workdir: Path
    """The folder for range_test.png and range_test.json. A run that it holds is not touched."""
    min_value: float = 1e-6
    """The first rate of the test. It should be so low that nothing is learnt."""
    max_value: float = 10.0
    """The last rate of the test. It should be so high that the loss diverges."""
    num_steps: int = 400
    """The length of the test, in steps. If it is shorter than one epoch, every batch holds images
    that the network has not seen."""
    sweep: Literal["exponential", "linear"] = "exponential"
    """How the rate rises. exponential finds the order of magnitude of good rates.
    linear finds the bounds, once the order of magnitude is known."""


@dataclasses.dataclass(frozen=True)
class RunStudy:
    """Makes the runs of a study file, and writes the report. Runs that are done are skipped."""

    file: tyro.conf.Suppress[Path]
    workdir: Path | None = None
    """The study's folder, which gets a folder for each run. Several machines may share it.
    None: runs/FILE_SIZE."""
    size: Size | None = None
    """The size of the runs. It has to be given.
    smoke shows in minutes that the study works, and is no evidence.
    laptop is evidence from a few CPU cores, in hours.
    full is the papers' own size, for an accelerator."""
    dry_run: bool = False
    """Whether to make nothing, and list the runs, trials and programs, and the time where finished
    runs tell it. Without --size it is done for all sizes."""
    workers: int | None = None
    """The number of runs that are made side by side here, each on CPU cores of its own.
    None: as many as the cores allow, if the study says how many cores a run takes.
    If it does not say so, one run follows the other."""
    kept: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """The folder of a kept study, results/NAME. Its finished runs are copied, the others made."""
    jobs: str = "1/1"
    """The share of the runs to make: i/n is the i-th of n shares, as in a job array.
    The share that ends last writes the whole report."""
    executor: Literal["local", "ray"] = "local"
    """Where the runs are made: in processes of this machine, or as tasks of a Ray cluster.
    ray needs `pip install '.[ray]'`."""
    data_dir: str | None = None
    """The folder where TensorFlow Datasets keeps its data. None: as the study says."""


@dataclasses.dataclass(frozen=True)
class Report:
    """Writes the report of a study again, as far as its runs have come."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The study's folder."""


@dataclasses.dataclass(frozen=True)
class Watch:
    """Shows a run or a study in the browser while it goes on."""

    folder: tyro.conf.Positional[Path]
    """The folder of the run or the study."""
    port: int = 0
    """The port of the page, on this machine alone. 0: one that is free."""


_QUICKSTART = "configs/quickstart.py"
_NUMBERS = {
    "invalid literal for int": ("whole number", "2"),
    "could not convert string to float": ("number", "0.5"),
}
"""Python's words for a text that is no number, what it must be, and an example."""
_NO_NUMBER = re.compile(
    rf"parsing (?P<name>--\S+):.*(?P<why>{'|'.join(_NUMBERS)}).*?: (?P<got>['\"].*)$"
)
_Kind = TypeVar("_Kind")
Command: TypeAlias = Arguments | RangeTest | RunStudy | Report | Watch
_COMMANDS: dict[str, type[RangeTest | RunStudy | Report | Watch]] = {
    "range-test": RangeTest,
    "study": RunStudy,
    "report": Report,
    "watch": Watch,
}
_KINDS = (Arguments, RangeTest, RunStudy)
_OPTIONS = {"help", "tyro_print_completion", "tyro_write_completion"} | (
    {field.name for kind in _KINDS for field in dataclasses.fields(kind)}
    - {field.name for field in dataclasses.fields(Config)}
)
"""The options that are no fields of a configuration."""


def parse(argv: Sequence[str]) -> Command:
    """Reads the arguments of `python -m train`.

    Args:
      argv: the arguments, without the program's name.

    Raises:
      UserError: the file, a field or a value is wrong.
      SystemExit: after `--help` or `--version`.
    """
    if argv and argv[0] == "--version":
        print(f"log_anneal {log_anneal.__version__}, jax {jax.__version__}")
        raise SystemExit(0)
    words = [word for word in argv[:1] if word in _COMMANDS]
    kind: type[Command] = _COMMANDS[words[0]] if words else Arguments
    argv = argv[len(words) :]
    if kind is Report or kind is Watch:
        return _from_words(kind, f"python -m train {words[0]}", argv)

    if not argv or argv[0].startswith("-"):
        if argv and argv[0] in ("-h", "--help"):
            _show_help(kind, argv)
        got = argv[0] if argv else "nothing"
        example = _QUICKSTART
        if words == ["study"]:
            example = "study configs/study_experiment1.py --size smoke"
        raise UserError(
            f"The first argument must be a configuration file, got {got}. "
            f"For example: python -m train {example}"
        )

    path = Path(argv[0])
    if not words and not path.suffix and not path.is_file():
        raise UserError(
            f"The first argument must be a configuration file, or one of {', '.join(_COMMANDS)}, "
            f"got {path}, which is not there. {did_you_mean(argv[0], _COMMANDS)}".rstrip()
        )
    program = " ".join(["python -m train", *words, str(path)])
    if kind is RunStudy:
        return _from_words(RunStudy, program, argv[1:], RunStudy(file=path))
    assert issubclass(kind, _Common)
    defaults = kind(config=load(path), workdir=Path("runs") / path.stem)
    return _from_words(kind, program, argv[1:], defaults)


def _show_help(kind: type[Command], argv: Sequence[str]) -> NoReturn:
    """Prints the usage of all commands, or the options of a study, which are those of every one."""
    if kind is RunStudy:
        any_study = RunStudy(file=Path("configs/study_NAME.py"))
        _from_words(RunStudy, f"python -m train study {any_study.file}", argv, any_study)
    print(
        "usage: python -m train [range-test] configs/NAME.py "
        "[--workdir DIR] [--FIELD VALUE ...]\n"
        "       python -m train study configs/study_NAME.py --size smoke "
        "[--dry-run] [--workdir DIR]\n       python -m train report DIR\n"
        "       python -m train watch DIR [--port N]\n"
        "       python -m train --version\n"
    )
    print("For a configuration's fields: python -m train configs/NAME.py --help")
    raise SystemExit(0)


def _from_words(
    kind: type[_Kind], program: str, words: Sequence[str], defaults: _Kind | None = None
) -> _Kind:
    if isinstance(defaults, _Common) and not {"-h", "--help"} & {*words}:
        refuse(defaults.config, words, _OPTIONS)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            if defaults is None:
                return tyro.cli(kind, prog=program, args=words)
            return tyro.cli(kind, prog=program, args=words, default=defaults)
    except SystemExit as end:
        if end.code in (0, None):
            raise
        if (ours := _cause(end)) is not None:
            raise ours from None
        raise UserError(f"{_sentence(said.getvalue())} For all fields: --help.") from None


def _cause(error: BaseException | None) -> UserError | None:
    """Returns the refusal that led to an error, as when a part of the configuration is built."""
    while error is not None and not isinstance(error, UserError):
        error = error.__cause__ or error.__context__
    return error


def _sentence(box: str) -> str:
    """Returns the message that tyro prints in a box, up to the box's first rule, as one line."""
    inside = [line.strip("│ ") for line in box.splitlines() if line.startswith("│")]
    parts = " ".join(re.sub("─{3,}", "\n", line) for line in inside).split("\n")
    message = parts[0].strip().rstrip(".")
    if found := _NO_NUMBER.search(message):
        kind, example = _NUMBERS[found["why"]]
        or_none = " or None" if "{None}" in message else ""
        name = found["name"]
        return (
            f"`{name}` must be a {kind}{or_none}, got {found['got']}. "
            f"Write it in digits, as in {name} {example}."
        )
    if len(parts) > 1 and "Perhaps you meant" in parts[1]:
        names = dict.fromkeys(re.findall(r"--[\w.-]+", parts[1]))
        message += f". Did you mean {' or '.join(names)}?"
        return message
    return message if message.endswith("?") else f"{message}."

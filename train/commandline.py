"""The command line: a configuration file and its fields -> a Config."""

import contextlib
import dataclasses
import io
import re
import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro

from train.config import Config
from train.errors import UserError


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


_COMMANDS: dict[str, type[RangeTest]] = {"range-test": RangeTest}


def parse(argv: Sequence[str]) -> Arguments | RangeTest:
    """The arguments of `python -m train`, less the program's name.

    Raises:
      UserError: the file, a field or a value is wrong.
      SystemExit: after `--help`.
    """
    words = [word for word in argv[:1] if word in _COMMANDS]
    kind: type[Arguments | RangeTest] = _COMMANDS[words[0]] if words else Arguments
    argv = argv[len(words) :]
    if not argv or argv[0].startswith("-"):
        if argv and argv[0] in ("-h", "--help"):
            print(
                "usage: python -m train [range-test] configs/NAME.py "
                "[--workdir DIR] [--FIELD VALUE ...]\n"
            )
            print("For a configuration's fields: python -m train configs/NAME.py --help")
            raise SystemExit(0)
        got = argv[0] if argv else "nothing"
        raise UserError(
            f"The first argument must be a configuration file, got {got}. "
            "For example: python -m train configs/quickstart.py"
        )
    path = Path(argv[0])
    defaults = kind(config=load(path), workdir=Path("runs") / path.stem)
    program = " ".join(["python -m train", *words, str(path)])
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(kind, prog=program, args=argv[1:], default=defaults)
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise UserError(f"{_sentence(said.getvalue())} For all fields: --help.") from None


def load(path: Path) -> Config:
    """What a configuration file's `get_config()` returns.

    Raises:
      UserError: there is no such file, or it does not give a Config.
    """
    if not path.is_file():
        near = sorted(str(file) for file in path.absolute().parent.glob("*.py"))
        names = ", ".join(Path(file).name for file in near[:12]) or "none"
        raise UserError(
            f"`config` must be a Python file, got {path}, which is not there. "
            f"In that folder there are: {names}."
        )
    # A variant imports the configuration that it is derived from.
    sys.path.insert(0, str(path.absolute().parent))
    try:
        get_config = runpy.run_path(str(path)).get("get_config")
        config = get_config() if callable(get_config) else None
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
                 if frame.filename == str(path)]  # fmt: skip
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise UserError(f"{where}: {kind}{error}") from error
    finally:
        sys.path.pop(0)
    if not isinstance(config, Config):
        raise UserError(
            f"`config` must define `get_config()` that returns a `train.config.Config`, "
            f"got {path}. See configs/quickstart.py."
        )
    return config


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

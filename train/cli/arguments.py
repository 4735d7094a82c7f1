"""Reads a command line: a configuration file, and fields of it with other values."""

import contextlib
import dataclasses
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias, TypeVar

import jax
import tyro

import log_anneal
from train.cli.commands import (
    Arguments,
    Configured,
    Optimum,
    RangeTest,
    Report,
    RunStudy,
    Sweep,
    Watch,
)
from train.cli.words import refuse
from train.config import Config
from train.errors import UserError, did_you_mean
from train.study.load import load

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
Command: TypeAlias = Arguments | RangeTest | RunStudy | Optimum | Report | Watch
_COMMANDS: dict[str, type[RangeTest | RunStudy | Optimum | Report | Watch]] = {
    "range-test": RangeTest,
    "study": RunStudy,
    "optimum": Optimum,
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
        _check_folder(kind, words[0], argv)
        return _from_words(kind, f"python -m train {words[0]}", argv)

    if not argv or argv[0].startswith("-"):
        if argv and argv[0] in ("-h", "--help"):
            _show_help(kind, argv)
        got = argv[0] if argv else "nothing"
        example = _QUICKSTART
        if words == ["optimum"]:
            example = "optimum configs/study_schedules.py"
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
    if kind is Optimum:
        return _from_words(Optimum, program, argv[1:], Optimum(file=path))
    assert issubclass(kind, Configured)
    defaults = kind(config=load(path), workdir=Path("runs") / path.stem)
    return _from_words(kind, program, argv[1:], defaults)


def _check_folder(kind: type, command: str, words: Sequence[str]) -> None:
    """Refuses a command without its folder, or with an option that it does not have."""
    known = [f"--{field.name}" for field in dataclasses.fields(kind) if field.name != "folder"]
    for word in words:
        name = word.partition("=")[0]
        if name.startswith("--") and name not in [*known, "--help"]:
            hint = did_you_mean(name, known) or f"It takes {', '.join(['a folder', *known])}."
            raise UserError(f"`{name}` must be an option of {command}, and is none. {hint}")
    if not words:
        raise UserError(
            f"The first argument of {command} must be a folder, got nothing. "
            f"For example: python -m train {command} runs/NAME"
        )


def _show_help(kind: type[Command], argv: Sequence[str]) -> NoReturn:
    """Prints the usage of all commands, or a command's own options, which need no file."""
    if kind is RunStudy:
        any_study = RunStudy(file=Path("configs/study_NAME.py"))
        _from_words(RunStudy, f"python -m train study {any_study.file}", argv, any_study)
    if kind is Optimum:
        any_optimum = Optimum(file=Path("configs/study_NAME.py"))
        _from_words(Optimum, f"python -m train optimum {any_optimum.file}", argv, any_optimum)
    if kind is RangeTest:
        print("For the fields of a configuration, too: name its file before --help.\n")
        any_sweep = Sweep(workdir=Path("runs/NAME"))
        _from_words(Sweep, "python -m train range-test configs/NAME.py", argv, any_sweep)
    print(
        "usage: python -m train [range-test] configs/NAME.py "
        "[--workdir DIR] [--FIELD VALUE ...]\n"
        "       python -m train study configs/study_NAME.py --size smoke "
        "[--dry-run] [--workdir DIR]\n"
        "       python -m train optimum configs/study_NAME.py [--workdir DIR]\n"
        "       python -m train report DIR\n"
        "       python -m train watch DIR [--port N]\n"
        "       python -m train --version\n"
    )
    print("For a configuration's fields: python -m train configs/NAME.py --help")
    raise SystemExit(0)


def _from_words(
    kind: type[_Kind], program: str, words: Sequence[str], defaults: _Kind | None = None
) -> _Kind:
    if isinstance(defaults, Configured) and not {"-h", "--help"} & {*words}:
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

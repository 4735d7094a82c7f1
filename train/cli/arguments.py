"""Reads a command line: a configuration file, and fields of it with other values."""

import contextlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias, TypeVar

import jax
import tyro

import log_anneal
from train.cli import first
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
from train.errors import UserError
from train.study.load import load

_Kind = TypeVar("_Kind")
Command: TypeAlias = Arguments | RangeTest | RunStudy | Optimum | Report | Watch
_COMMANDS: dict[str, type[Command]] = {
    "": Arguments,
    "range-test": RangeTest,
    "study": RunStudy,
    "optimum": Optimum,
    "report": Report,
    "watch": Watch,
}
_HELP = {"-h", "--help"}


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
    first.look(argv)
    name, words = first.named(argv)
    kind = _COMMANDS[name]
    if kind is Report or kind is Watch:
        words = first.folder_first(words)
        if not _HELP & {*words}:
            refuse(kind, words[1:], name=name)
        return _from_words(kind, f"python -m train {name}", words)
    if words[0] in _HELP:
        _show_help(kind, words)

    path = Path(words[0])
    program = " ".join(filter(None, ["python -m train", name, str(path)]))
    if kind is RunStudy or kind is Optimum:
        return _from_words(kind, program, words[1:], kind(file=path), name=name)
    assert issubclass(kind, Configured)
    defaults = kind(config=load(path), workdir=Path("runs") / path.stem)
    return _from_words(kind, program, words[1:], defaults)


def _show_help(kind: type[Command], argv: Sequence[str]) -> NoReturn:
    """Prints the usage of all commands, or a command's own options, which need no file."""
    if kind is RunStudy or kind is Optimum:
        name = "study" if kind is RunStudy else "optimum"
        example = kind(file=Path("configs/study_NAME.py"))
        _from_words(kind, f"python -m train {name} {example.file}", argv, example, name=name)
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
    kind: type[_Kind],
    program: str,
    words: Sequence[str],
    defaults: _Kind | None = None,
    *,
    name: str = "",
) -> _Kind:
    # The options of an optimum check themselves: some hold several words, or lead into a part.
    if defaults is not None and kind is not Optimum and not _HELP & {*words}:
        refuse(kind, words, getattr(defaults, "config", None), name=name)
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
    """Returns the message that tyro prints in a box, up to the box's first rule, as one line.

    What is wrong in a way that is known has been refused before, in a sentence of our own.
    """
    # Where a terminal has no box characters, the frame is drawn with blanks, bars and dashes.
    title, *inside = [line.strip("│|╭╮╰╯ ") for line in box.splitlines()] or [""]
    parts = " ".join(re.sub("[─-]{3,}", "\n", line) for line in inside).split("\n")
    message = next(filter(None, map(str.strip, parts)), title).rstrip(".")
    return message if message.endswith("?") else f"{message}."

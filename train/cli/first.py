"""The first look at a command: it refuses what it can without JAX, whose import takes a second."""

import sys
from collections.abc import Sequence
from pathlib import Path

from train.errors import UserError, did_you_mean
from train.python_file import check_file, nearest

QUICKSTART = "configs/quickstart.py"
COMMANDS = ("range-test", "study", "optimum", "report", "watch")
_OF_A_FOLDER = {"report": "a study", "watch": "a run or a study"}
_HELP = ("-h", "--help")


def leave_if_wrong(argv: Sequence[str]) -> None:
    """Leaves this process with a sentence and code 2 if the command cannot be begun.

    Args:
      argv: the arguments of `python -m train`.
    """
    try:
        look(argv)
    except (UserError, OSError) as error:  # a name may be too long, or a folder closed
        way_out = "" if isinstance(error, UserError) else ". Make the file or folder usable."
        print(f"error: {error}{way_out}", file=sys.stderr)
        raise SystemExit(2) from None


def look(argv: Sequence[str]) -> None:
    """Refuses a command that names no file or folder, or one that is not there.

    Args:
      argv: the arguments of `python -m train`.

    Raises:
      UserError: it does.
    """
    command, words = named(argv)
    if {*_HELP} & {*words} or (not command and words[:1] == ["--version"]):
        return
    if command in _OF_A_FOLDER:
        _check_folder(command, folder_first(words))
        return
    if not words or words[0].startswith("-"):
        got = words[0] if words else "nothing"
        example = QUICKSTART
        if command == "optimum":
            example = "optimum configs/study_schedules.py"
        if command == "study":
            example = "study configs/study_experiment1.py --size smoke"
        raise UserError(
            f"The first argument must be a configuration file, got {got}. "
            f"For example: python -m train {example}"
        )
    path = Path(words[0])
    if not command and not path.suffix and not path.exists() and path.parent == Path():
        raise UserError(
            f"The first argument must be a configuration file, or one of {', '.join(COMMANDS)}, "
            f"got {path}, which is not there. {did_you_mean(words[0], COMMANDS)}".rstrip()
        )
    check_file("study" if command in ("study", "optimum") else "config", path)


def named(argv: Sequence[str]) -> tuple[str, list[str]]:
    """Returns the name of the command, empty for a run, and the words that follow it."""
    if argv and argv[0] in COMMANDS:
        return argv[0], list(argv[1:])
    return "", list(argv)


def folder_first(words: Sequence[str]) -> list[str]:
    """Returns the words of a command that takes a folder, the folder in front where it is last."""
    is_last = len(words) > 1 and words[0].startswith("--") and not words[-1].startswith("--")
    if is_last and ("=" in words[-2] or not words[-2].startswith("--")):
        return [words[-1], *words[:-1]]
    return list(words)


def _check_folder(command: str, words: Sequence[str]) -> None:
    """Refuses a command without its folder, or with one that is not there."""
    if not words or words[0].startswith("-"):
        got = words[0] if words else "nothing"
        raise UserError(
            f"The first argument of {command} must be a folder, got {got}. "
            f"For example: python -m train {command} runs/NAME"
        )
    folder = Path(words[0])
    if not folder.is_dir():
        meant = nearest(folder)
        hint = f"Did you mean {meant}?" if meant and meant.is_dir() else ""
        what = "a file" if folder.exists() else "not there"
        raise UserError(
            f"`folder` must be the folder of {_OF_A_FOLDER[command]} that has begun, got {folder}, "
            f"which is {what}. {hint or 'Give its --workdir.'}"
        )

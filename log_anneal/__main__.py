"""`python -m log_anneal show '<json>'`: schedules drawn in the terminal, and in a PNG."""

import argparse
import os
import runpy
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain, count
from pathlib import Path
from typing import NoReturn

from log_anneal._core.backend import MAX_STEP
from log_anneal._core.schedule import Schedule
from log_anneal._core.to_json import from_json
from log_anneal._show import contents
from log_anneal.plot import draw, plot

_PICTURE = "log_anneal.png"
_EPILOG = f"""\
SCHEDULE is what `la.to_json(schedule)` writes, a file that holds it, or - for standard input.
The picture goes to {_PICTURE}, or where --out says; it needs matplotlib (`log_anneal[plot]`).

    python -m log_anneal show '{{"schedule": "constant", "version": 1, "value": 0.1}}'

A schedule of your own needs its class: --import my_schedules.py, or --import my_package.schedules.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See {self.prog} --help.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line.

    Args:
      arguments: without the program's name; None for those of this process.

    Returns:
      The exit code: 0, or 2 after one line on standard error.
    """
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (OSError, ValueError) as error:
        print(f"log_anneal: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m log_anneal", description="Learning-rate schedules.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    show = commands.add_parser(
        "show",
        help="draw schedules in the terminal, and in a PNG",
        description="Draws schedules, several together, in the terminal and in a PNG.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    show.add_argument("schedules", nargs="+", metavar="SCHEDULE", help="JSON, a file, or -")
    show.add_argument(
        "--steps", type=_num_steps, metavar="N", help="how many; else enough to see them"
    )
    show.add_argument("--out", type=Path, metavar="FILE", help=f"of the picture, not {_PICTURE}")
    show.add_argument("--log", action="store_true", help="a logarithmic axis of values")
    show.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module or a Python file that defines a schedule of your own",
    )
    show.add_argument("--ascii", action="store_true", help="plain characters")
    return parser


def _num_steps(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= MAX_STEP:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"must be a whole number from 1 to 2^31 - 1, got {text!r}; left out, it shows the schedule"
    )


def _run(options: argparse.Namespace) -> None:
    for name in options.imports:
        _import(name)
    schedules = [_read(text) for text in options.schedules]
    if options.out is not None:
        _check_out(options.out, options.schedules)
    num_steps = contents.length(schedules, options.steps)
    width, height = shutil.get_terminal_size((80, 24))
    text = draw(
        schedules,
        num_steps,
        width=max(width - 1, 30),
        height=min(max(height - 8, 8), 20),
        log_scale=options.log,
        is_ascii=options.ascii or not _takes_braille(),
        is_coloured=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
    )
    print(text, flush=True)
    _write_picture(schedules, num_steps, options.out, log_scale=options.log)


def _check_out(out: Path, inputs: Sequence[str]) -> None:
    """Refuses a name that matplotlib would change, and a file that was read."""
    if not out.suffix:
        raise ValueError(f"`--out` must end in .png, .svg or .pdf, got {out}. Add one of them.")
    if out.exists() and any(out.samefile(each) for each in inputs if os.path.exists(each)):
        raise ValueError(f"`--out` must be another file than the schedule's, got {out}. Rename it.")


def _import(name: str) -> None:
    """Runs a module or a file, which makes the classes of schedules in it known."""
    is_file = name.endswith(".py") or os.path.isfile(name)
    # A file may import those beside it, as where Python itself runs it.
    sys.path.insert(0, os.path.dirname(os.path.abspath(name)) if is_file else os.getcwd())
    try:
        if is_file:
            runpy.run_path(name)
        else:
            __import__(name)
    except Exception as error:  # the user's own code raises anything
        raise ValueError(
            "`--import` must be a module or a Python file that can be run, got "
            f"{name}: {type(error).__name__}: {error}. Mend it, or name another."
        ) from error
    finally:
        sys.path.pop(0)


def _read(text: str) -> Schedule:
    if text.lstrip().startswith("{"):
        return _built(text)
    if text == "-":
        return _built(sys.stdin.read())
    path = text.removeprefix("@")
    if not os.path.isfile(path):
        raise ValueError(
            f"`SCHEDULE` must be JSON, a file that holds it, or -, got {text[:40]!r}. "
            "Write the JSON with `log_anneal.to_json(schedule)`."
        )
    return _built(Path(path).read_bytes())


def _built(text: str | bytes) -> Schedule:
    try:
        return from_json(text)
    except ValueError as error:
        # Nobody can import a module from the command line, but by this option.
        if "`schedule` must be one of" in str(error):
            way_out = "For a schedule of your own, give `--import` its file or module."
            raise ValueError(f"{error} {way_out}") from None
        raise


def _takes_braille() -> bool:
    try:
        "⠿│".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _free(path: Path) -> Path:
    """Returns the path, or if a file has it, one like it with a number."""
    names = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(each for each in chain([path], names) if not each.exists())


def _write_picture(
    schedules: Sequence[Schedule], num_steps: int, out: Path | None, *, log_scale: bool
) -> None:
    if find_spec("matplotlib") is None:
        way_out = "A picture needs matplotlib: pip install 'log_anneal[plot]'."
        if out is not None:
            raise ValueError(f"`--out` must be left out without matplotlib, got {out}. {way_out}")
        print(way_out, file=sys.stderr)
        return
    path = _free(Path(_PICTURE)) if out is None else out
    try:
        plot(schedules, num_steps, log_scale=log_scale).savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"`--out` must be a picture that can be written, got {path}: {error}. "
            "Name another file, one that ends in .png for example."
        ) from error
    print(f"Wrote {path}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

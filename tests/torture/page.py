"""The page of what the torture found, `docs/reliability.md`, and the numbers it is made of."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.atomic_file import open_atomically

DOCS = Path(__file__).parents[2] / "docs"
_HEAD = """\
# Reliability

A run must not be lost, and must never go on wrong without a word. This page says what is \
promised, and how often each promise was tried at random. The numbers are written by the program \
that tries them, `python -m tests.torture`, after a whole run of each part. A part that breaks its \
promise writes none. A tenth of each is tried before every change is accepted.

`SECURITY.md` says what is defended against whom, and what is not.
"""


def keep(name: str, result: Mapping[str, Any], docs: Path = DOCS) -> None:
    """Keeps the figures of a part, and writes the page anew.

    Args:
      name: of the part.
      result: its claim, count, figures, seconds, date, command, commit, device and versions.
      docs: the folder of `reliability.json` and `reliability.md`.
    """
    path = docs / "reliability.json"
    kept = json.loads(path.read_bytes()) if path.exists() else {}
    kept = dict(sorted({**kept, name: dict(result)}.items()))
    for file, text in (
        (path, json.dumps(kept, indent=2) + "\n"),
        (docs / "reliability.md", written(kept)),
    ):
        with open_atomically(file) as opened:
            opened.write(text.encode())


def written(kept: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the page of some parts' results, as Markdown."""
    lines = [_HEAD, "| What is promised | Tried | What came out |", "|---|---:|---|"]
    for result in kept.values():
        figures = "<br>".join(
            f"{name.replace('_', ' ')}: {_number(value)}"
            for name, value in result["figures"].items()
        )
        claim = result["claim"].replace("|", "\\|")
        tried = result["figures"].get("tried", result["count"])  # there may be fewer cases
        lines.append(f"| {claim} | {tried:,} | {figures} |")
    lines += ["", "## Where the numbers come from", ""]
    lines += [
        "| Part | Command | Date | Commit | Seconds | Versions |",
        "|---|---|---|---|---:|---|",
    ]
    for name, result in kept.items():
        versions = ", ".join(
            f"{package} {result['versions'][package]}" for package in ("python", "jax", "numpy")
        )
        lines.append(
            f"| {name} | `{result['command']}` | {result['date']} | {result['commit']} | "
            f"{result['seconds']:,.0f} | {versions} |"
        )
    return "\n".join(lines) + "\n"


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"

"""Runs made once more by other code or another machine: do their numbers agree?

A study that grows over days has runs of several commits. One run of each is made again by the
newest, number by number, and `repeats.json` in the study's folder says what came of it.
"""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.config import Config
from train.folder.files import one_at_a_time, write_atomically
from train.folder.log import read_metrics
from train.folder.origin import origin
from train.run import loop
from train.study import Run
from train.study.record import read

FILE = "repeats.json"
_ORIGIN = ("commit", "device", "versions")


def due(folder: Path, runs: Sequence[Run]) -> Sequence[Run]:
    """Returns the runs that are to be made again: one for each origin that nothing is known of.

    Origins that were found equal count as one. A run that says nothing of its origin is left out.

    Args:
      folder: of the study.
      runs: its runs.
    """
    here = _text(origin())
    same = {here}
    for record in reversed(_records(folder)):  # the newest first, which lead to the older ones
        pair = {_text(record["of"]), _text(record["by"])}
        if pair & same:
            same |= pair  # known, whether they agree or not
    found: dict[str, Run] = {}
    for run in runs:
        summary = read(folder / run.folder / "summary.json")
        if "commit" in summary and (its := _text(summary)) not in same:
            found.setdefault(its, run)
    return list(found.values())


def make(config: Config, name: str, folder: Path) -> str:
    """Makes a run again, beside the one that is there, and records whether they agree.

    Args:
      config: of the run.
      name: of its folder.
      folder: of the study.

    Returns:
      What came of it, for a person.
    """
    by = origin()
    again = folder / "repeats" / f"{by['commit'].rstrip('+')}-{name}"
    loop.run(config, again, is_quiet=True)
    digits = read(folder / name / "kept.json").get("digits")
    differences = _differences(folder / name, again, digits)
    summary = read(folder / name / "summary.json")
    record = {
        "run": name,
        "of": {part: summary[part] for part in _ORIGIN},
        "by": by,
        "equal": max(differences) == 0,
        "largest_difference": max(differences),
        "digits": digits,
    }
    with one_at_a_time(folder):
        content = json.dumps([*_records(folder), record], indent=2, allow_nan=False)
        write_atomically(folder / FILE, f"{content}\n".encode())
    shutil.rmtree(again)
    if record["equal"]:
        return f"the same numbers as of {summary['commit']}"
    return f"its losses differ by up to {max(differences):.2g} from those of {summary['commit']}"


def _records(folder: Path) -> list[dict[str, Any]]:
    """Those that are known, the newest last."""
    path = folder / FILE
    return list(json.loads(path.read_bytes())) if path.exists() else []


def _differences(there: Path, again: Path, digits: int | None) -> Sequence[float]:
    """Returns how far the losses of each step and each evaluation lie apart, in nats."""
    pairs = zip(_losses(there, None), _losses(again, digits), strict=True)
    return [0.0 if _is_equal(a, b) else abs(a - b) for a, b in pairs]


def _losses(folder: Path, digits: int | None) -> Sequence[float]:
    lines = read_metrics(folder / "metrics.jsonl")
    values = [math.nan if line["loss"] is None else float(line["loss"]) for line in lines]
    is_step = [line["kind"] == "train" for line in lines]
    return [
        float(f"{value:.{digits}g}") if digits and step else value
        for value, step in zip(values, is_step, strict=True)
    ]


def _is_equal(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _text(of: Mapping[str, Any]) -> str:
    return json.dumps({part: of[part] for part in _ORIGIN}, sort_keys=True)

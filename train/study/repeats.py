"""Makes runs once more, with other code or on another machine: do their numbers agree?

A study that grows over days has runs of several commits. One run of each commit is made again by
the newest, and all numbers are compared. `repeats.json` in the study's folder says what came out.
"""

import itertools
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.config import Config
from train.errors import Halted, UserError
from train.folder.files import one_at_a_time, write_atomically
from train.folder.log import read_metrics
from train.folder.origin import origin
from train.run import loop
from train.study import Run
from train.study.free import were
from train.study.record import read

FILE = "repeats.json"
_ORIGIN = ("commit", "device", "versions")


def due(folder: Path, runs: Sequence[Run]) -> Sequence[Run]:
    """Returns the runs that are to be made again: one for each origin that is not compared yet.

    Origins that are compared, directly or through others, count as one. A run without a record of
    its origin is left out.

    Args:
      folder: of the study.
      runs: its runs.
    """
    compared = {_as_text(origin())}
    for record in reversed(_known(folder)):  # the newest come first and lead to the older ones
        pair = {_as_text(record["of"]), _as_text(record["by"])}
        if pair & compared:
            compared |= pair  # whether they agree or not
    found: dict[str, Run] = {}
    for run in runs:
        summary = read(folder / run.folder / "summary.json")
        # A run that was halted has two schedules, which no single configuration makes again.
        was_halted = (folder / run.folder / "halted.json").exists()
        # Nor does one whose free fields have changed: its last digits are others.
        if (
            "commit" in summary
            and not was_halted
            and not were(run, folder)
            and (its := _as_text(summary)) not in compared
        ):
            found.setdefault(its, run)
    return list(found.values())


def make(config: Config, name: str, folder: Path) -> str:
    """Makes a run again, beside the first one, and records whether they agree.

    Args:
      config: of the run.
      name: the name of its folder.
      folder: of the study.

    Returns:
      Whether they agree, in words.
    """
    by = origin()
    again = folder / "repeats" / f"{by['commit'].rstrip('+')}-{name}"
    try:
        loop.run(config, again, is_quiet=True)
    except Halted as halt:
        raise UserError(
            f"The run {name} ended before, and now its guard halts it: {halt} Look at what has "
            "changed since, or begin the study in a new `--workdir`."
        ) from halt

    digits = read(folder / name / "kept.json").get("digits")
    differences = _loss_differences(folder / name, again, digits)
    summary = read(folder / name / "summary.json")
    record = {
        "run": name,
        "of": {part: summary[part] for part in _ORIGIN},
        "by": by,
        "equal": not any(differences),  # NaN counts as a difference
        "largest_difference": max(filter(math.isfinite, differences), default=0.0),
        "digits": digits,
    }

    with one_at_a_time(folder):
        content = json.dumps([*_known(folder), record], indent=2, allow_nan=False)
        write_atomically(folder / FILE, f"{content}\n".encode())
    shutil.rmtree(again)
    if record["equal"]:
        return f"the same numbers as of {summary['commit']}"
    largest = record["largest_difference"]
    return f"its losses differ by up to {largest:.2g} from those of {summary['commit']}"


def _known(folder: Path) -> list[dict[str, Any]]:
    """Returns the records of all repeats, the newest last."""
    path = folder / FILE
    return list(json.loads(path.read_bytes())) if path.exists() else []


def _loss_differences(first: Path, again: Path, digits: int | None) -> Sequence[float]:
    """Returns the difference between the losses of each step and each evaluation, in nats."""
    # NaN where one of them has a line that the other lacks.
    pairs = itertools.zip_longest(_losses(first, None), _losses(again, digits), fillvalue=math.nan)
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


def _as_text(record: Mapping[str, Any]) -> str:
    """Returns the origin in a record as text, which can be compared."""
    return json.dumps({part: record[part] for part in _ORIGIN}, sort_keys=True)

"""Looks: verdicts that were known before seeds were added to a study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.folder import ending
from train.folder.origin import commit, today

LOOKS = "looks"
"""The field of `study.json` that holds them."""


def noted(folder: Path, old: Mapping[str, Any], record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the looks of `study.json`: those of before, and that of this start.

    Whoever adds seeds after all runs have ended has seen a verdict, and may have added them because
    of it. The report says so.

    Args:
      folder: of the study.
      old: the content of its `study.json`.
      record: the new content.
    """
    before = list(old.get(LOOKS, []))
    # Of one seed there is no interval, and no verdict.
    if len(old["seeds"]) < 2 or not set(old["seeds"]) < set(record["seeds"]):
        return before
    runs = old["runs"]
    if not all(ending.is_over(folder / each["folder"], goes_on=each["goes_on"]) for each in runs):
        return before
    return [*before, {"seeds": old["seeds"], "date": today().isoformat(), "commit": commit()}]

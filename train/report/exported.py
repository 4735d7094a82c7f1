"""The results for another program: what the README's table is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from train.report import headline, settings
from train.report.claims.answers import Answer
from train.report.numbers.comparisons import PRIMARY, estimate_of
from train.report.numbers.records import Cell, Study
from train.report.pages.page import Picture


def numbers(
    study: Study, found: Sequence[Answer], pictures: Sequence[Picture]
) -> Mapping[str, Any]:
    """What `report.json` holds.

    Args:
      study: the study.
      found: the answers to its claims.
      pictures: the report's.
    """
    results = headline.results(study)
    cells = []
    for cell in study.cells:
        estimates = {name: estimate_of(cell, name) for name in (*PRIMARY, "best_accuracy")}
        measures = {
            name: {"n": each.n, "mean": _rounded(each.mean), "half_interval": _rounded(each.half)}
            for name, each in estimates.items()
        }
        where = {"group": study.group_of(cell.labels), "name": study.name_of(cell.labels)}
        less = {"less_best": _less_best(study, cell)}
        cells.append({"labels": cell.labels, **where, "runs": len(cell.runs), **measures, **less})
    answered = [
        {"id": each.claim["id"], "verdict": each.verdict, "measured": " ".join(each.lines)}
        for each in found
    ]
    names = ("name", "title", "size", "kind", "date", "commit", "seeds")
    facts = {name: study.record.get(name) for name in names} | dict(settings.recorded(study))
    return {
        **facts,
        "headline": results[0].text,
        "main_group": results[0].group,
        "groups": {each.group: each.text for each in results[1:]},
        "runs_done": sum(run.is_over for run in study.runs),
        "runs_planned": len(study.runs),
        "baseline": study.baseline,
        "cells": cells,
        "answers": answered,
        "figures": {picture.name: picture.alt for picture in pictures},
    }


def _less_best(study: Study, cell: Cell) -> Mapping[str, float | None] | None:
    """A setting's final accuracy less that of the best of its group, in points."""
    test = headline.less_best(study, cell)
    if test is None:
        return None
    by = test.difference
    fields = {"mean": by.mean, "low": by.low, "high": by.high, "p": test.p}
    return {name: _rounded(value) for name, value in fields.items()}


def _rounded(value: float | None) -> float | None:
    """As far as a sum does not depend on the processor's order of it."""
    return None if value is None else float(f"{value:.9g}")

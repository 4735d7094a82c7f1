"""The results for another program: what the README's table is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from train.report import endings, headline, searched, settings
from train.report.claims.answers import Answer
from train.report.numbers.comparisons import estimate_of, primary
from train.report.numbers.records import Cell, Results
from train.report.numbers.task_record import CLASSIFICATION
from train.report.pages.page import Picture


def numbers(
    results: Results, found: Sequence[Answer], pictures: Sequence[Picture]
) -> Mapping[str, Any]:
    """Returns the content of `report.json`.

    Args:
      results: of the study.
      found: the answers to its claims.
      pictures: the report's.
    """
    sentences = headline.sentences(results)
    named = (*primary(results), results.task.first.best)
    cells = []
    for cell in results.cells:
        estimates = {name: estimate_of(cell, name) for name in named}
        measures = {
            name: {"n": each.n, "mean": _rounded(each.mean), "half_interval": _rounded(each.half)}
            for name, each in estimates.items()
        }
        where = {"group": results.group_of(cell.labels), "name": results.name_of(cell.labels)}
        less = {"less_best": _less_best(results, cell)}
        cells.append({"labels": cell.labels, **where, "runs": len(cell.runs), **measures, **less})

    answered = [
        {"id": each.claim["id"], "verdict": each.verdict, "measured": " ".join(each.lines)}
        for each in found
    ]

    names = ("name", "title", "size", "kind", "date", "commit", "seeds")
    facts = {name: results.record.get(name) for name in names} | dict(settings.recorded(results))
    if results.task is not CLASSIFICATION:
        facts["task"] = results.record["task"]
    return {
        **facts,
        "headline": sentences[0].text,
        "power": sentences[0].power,
        "main_group": sentences[0].group,
        "edges": list(searched.edges(results)),
        "caveats": list(endings.caveats(results)),
        "groups": {each.group: each.text for each in sentences[1:]},
        "runs_done": sum(run.is_over for run in results.runs),
        "runs_planned": len(results.runs),
        "baseline": results.baseline,
        "cells": cells,
        "answers": answered,
        "figures": {picture.name: picture.alt for picture in pictures},
    }


def _less_best(results: Results, cell: Cell) -> Mapping[str, float | None] | None:
    """Returns a setting's final number less that of the best of its group."""
    test = headline.less_best(results, cell)
    if test is None:
        return None
    by = test.difference
    fields = {"mean": by.mean, "low": by.low, "high": by.high, "p": test.p}
    return {name: _rounded(value) for name, value in fields.items()}


def _rounded(value: float | None) -> float | None:
    """Rounds to nine digits. Later ones depend on the order in which a processor sums."""
    return None if value is None else float(f"{value:.9g}")

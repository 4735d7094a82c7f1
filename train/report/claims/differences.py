"""Settings compared with each other for a claim, seed by seed."""

from collections.abc import Callable, Mapping
from typing import Any

from train.report.claims.findings import (
    Finding,
    Findings,
    check_arguments,
    lacking,
    matching,
    measure_of,
    without,
)
from train.report.numbers import words
from train.report.numbers.comparisons import values_of
from train.report.numbers.margins import Margin
from train.report.numbers.measures import Measure, best_reached, part_of
from train.report.numbers.records import Cell, Labels, Results
from train.report.numbers.statistics import Difference, estimate, paired


def differences(
    results: Results,
    measure: str,
    of: Labels,
    than: Labels,
    judge: Callable[[Difference, float | None], tuple[str, str]],
    margin: Margin,
    arguments: Mapping[str, Any],
) -> Findings:
    """Compares each cell that has the labels `of` with the one that has `than` in their place.

    Args:
      results: of the study.
      measure: a name in `measures_of`.
      of: the labels of the cells that the claim is about.
      than: the labels in which the other cell differs.
      judge: takes a difference and the margin in the measure's unit; returns a verdict, and what to
        say beside it.
      margin: a smaller difference counts as none.
      arguments: of the measure.
    """
    known, found = measure_of(results, measure), []
    settled = {("accuracy" if name == "fraction" else name): v for name, v in arguments.items()}
    check_arguments(known.of, f"the measure {measure}", None, **settled)
    for cell in matching(results, of):
        other = results.cell({**cell.labels, **than})
        if other is None or other is cell:
            continue
        given = dict(arguments)
        if "fraction" in given:
            best = best_reached(results.groups[results.group_of(cell.labels)])
            first = results.task.first
            worst = 100.0 if first.better > 0 else 0.0
            given["accuracy"] = part_of(first, best or worst, given.pop("fraction"))
        values, never = _paired_values(cell, other, measure, given)
        each = paired(*values)
        runs = [*cell.runs, *other.runs]
        left = lacking(each.n, len({run.seed for run in runs}), "both numbers")
        verdict, said = without(each.n, runs), ""
        if not left:
            verdict, said = judge(each, _absolute(margin, cell, values[1]))
        these, those = (
            f"{results.name_of(one.labels)} = "
            + words.mean(estimate(of_each.values()), known.digits)
            for one, of_each in zip((cell, other), values, strict=True)
        )
        numbers = f"{these}; {those}; {_difference(each, known)}{left}{never}{said}"
        found.append(Finding(verdict, results.group_of(cell.labels), numbers))
    return Findings(_title(known, arguments), found)


def _absolute(margin: Margin, cell: Cell, others: Mapping[int, float | None]) -> float | None:
    steps = max(run.total_steps for run in cell.runs)
    return margin.absolute(steps=steps, other=estimate(others.values()).mean)


def _paired_values(
    cell: Cell, other: Cell, measure: str, arguments: Mapping[str, Any]
) -> tuple[list[dict[int, float | None]], str]:
    """Returns both cells' values by seed, and a remark for the report.

    With `steps_to`, a run that never reached the accuracy counts as its whole length, if the other
    run of its pair did. The remark says how many such runs there are.
    """
    values = [dict(values_of(one, measure, **arguments)) for one in (cell, other)]
    if measure != "steps_to":
        return values, ""
    known = [{seed for seed, value in each.items() if value is not None} for each in values]
    never = [
        (place, run)
        for place, one in enumerate((cell, other))
        for run in one.ended
        if run.seed in known[1 - place] - known[place]
    ]
    for place, run in never:
        values[place][run.seed] = run.total_steps
    said = f"; {words.count(len(never), 'run')} never got there, counted with all its steps"
    return values, said if never else ""


def _difference(each: Difference, measure: Measure) -> str:
    if each.n == 0:
        return "no pair"
    scatter = f"{words.interval(each, measure.digits)}, " if each.n > 1 else ""
    by = words.number(each.mean, measure.digits, signed=True)
    seen = each.detectable
    detectable = f"; detectable: {words.number(seen, measure.digits)}" if seen is not None else ""
    return f"difference {by} ({scatter}{words.count(each.n, 'pair')}{detectable})"


def _title(measure: Measure, arguments: Mapping[str, Any]) -> str:
    parts = [measure.title]
    if "start" in arguments or "stop" in arguments:
        start, stop = arguments.get("start", 0.0), arguments.get("stop", 1.0)
        parts.append(f"from {100 * start:.0f} % to {100 * stop:.0f} % of the run")
    if "which" in arguments:
        parts.append(f"{arguments['which']} restarts")
    if "fraction" in arguments:
        parts.append(f"{100 * arguments['fraction']:.0f} % of the best")
    return ", ".join([*parts, *filter(None, [measure.unit])])

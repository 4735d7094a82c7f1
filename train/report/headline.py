"""The result of a study in a few sentences, computed from its numbers."""

import dataclasses
from collections.abc import Sequence

from train.report.figures.sensitivity import around, centre_of
from train.report.numbers import words
from train.report.numbers.comparisons import Comparison, Family
from train.report.numbers.race import (
    certainty,
    complete,
    points,
    power_of,
    race,
    so_far,
)
from train.report.numbers.records import Cell, Results
from train.report.pages.page import Block, Bullets, Paragraph


@dataclasses.dataclass(frozen=True)
class GroupResult:
    """The result of one group of settings that are compared with each other, as sentences."""

    group: str
    text: str
    power: str = ""
    """How small a difference the study would have seen; empty where nothing is tested."""


def main_group(results: Results) -> str:
    """Returns the group that the first sentence is about: the tuned one, else the first."""
    axis, tuned = words.TUNED
    found = (g for g, cells in results.groups.items() if cells[0].labels.get(axis) == tuned)
    return next(found, next(iter(results.groups), ""))


def sentences(results: Results) -> Sequence[GroupResult]:
    """Returns the result of each group, the main one first.

    The main group's text also tells how many seeds there are, or how many runs are done.
    """
    main = main_group(results)
    smoke = "No evidence, as the size is smoke: " if results.record["size"] == "smoke" else ""
    is_sensitivity = results.record.get("kind") == "sensitivity"
    if results.is_whole:
        seeds = words.count(len({run.seed for run in results.runs}), "seed")
        named = f" ({main})" if len(results.groups) > 1 else ""
        head, tail = f"{'with' if smoke else 'With'} {seeds}{named}, ", ""
    else:
        done = sum(run.is_over for run in results.runs)
        named = f" For {main}:" if len(results.groups) > 1 else ""
        head = f"{done} of {len(results.runs)} runs are done.{named} "
        tail = " There is no verdict before all planned runs are done."

    found = []
    for group in sorted(results.groups, key=lambda group: group != main):  # stable: the main first
        seen = ""
        if not results.is_whole:
            text = so_far(results, group)
        elif is_sensitivity:
            text, seen = _of_axes(results, group)
        else:
            text, seen = race(results, group, is_brief=group != main)
        found.append(GroupResult(group, text, seen))

    first, *others = found or [GroupResult(main, "Nothing is planned.")]
    return [GroupResult(main, f"{smoke}{head}{first.text}{tail}", first.power), *others]


def section(results: Results) -> Sequence[Block]:
    """Returns the blocks right below the title."""
    first, *others = sentences(results)
    items = [f"{each.group}: {each.text}" for each in others]
    if results.is_whole and results.record.get("kind") == "sensitivity":
        items = [text for _, text in _along_axes(results)]
    power = [Paragraph(first.power)] if first.power else []
    return [Paragraph(first.text, "result"), *power, *([Bullets(items)] if items else [])]


def less_best(results: Results, cell: Cell) -> Comparison | None:
    """Compares a setting with the best of its group.

    It returns None for the best itself, and before all runs are done.
    """
    group = results.group_of(cell.labels)
    order = complete(results.groups[group])
    if not order or not results.is_whole:
        return None
    return Family(results, group, results.task.first.final).of(cell, order[0])


def _of_axes(results: Results, group: str) -> tuple[str, str]:
    """Says which values are better than the default around which the study was made.

    The second text says how small a difference the study would have seen.
    """
    tests = [test for test, _ in _along_axes(results)]
    if not tests:
        return race(results, group)
    centre = centre_of(results)
    default = f"the default ({words.labels(centre, results.varied)})"
    metric = results.task.first
    better = [
        f"{words.labels(test.cell.labels, _changed_axes(test))} ends {points(test)} of "
        f"{metric.noun} {metric.beyond} {default} {certainty(test)}"
        for test in tests
        if test.is_better and dict(test.cell.labels) != dict(centre)
    ]
    axes = words.listed([words.plain(axis) for axis in results.varied], "or")
    none = f"no other value of {axes} ends significantly {metric.beyond} {default} in {metric.noun}"
    of = f"Between the best value of {axes} and the default (or the next value)"
    return f"{'; '.join(better) or none}.", power_of(tests, of)


def _changed_axes(test: Comparison) -> Sequence[str]:
    mine, other = test.cell.labels, test.other.labels
    return [axis for axis, label in mine.items() if other[axis] != label]


def _along_axes(results: Results) -> Sequence[tuple[Comparison, str]]:
    """Compares the best value along each axis with the default, and says what came out.

    Where the default is the best itself, it is compared with the next best value.
    """
    centre, found = centre_of(results), []
    middle = results.cell(centre)
    metric = results.task.first
    family = Family(results, next(iter(results.groups)), metric.final)
    for axis in results.varied:
        order = complete(around(results, centre, [axis]))
        if len(order) < 2 or middle is None or middle not in order:
            continue
        best = order[0]
        test = family.of(best, order[1] if best is middle else middle)
        if test is None:
            continue
        label, other = best.labels[axis], test.other.labels[axis]
        where = (
            f"the default, {label}, is best, {points(test)} {metric.beyond} the next value, {other}"
            if best is middle
            else f"{label} is best, {points(test)} {metric.beyond} the default, {other}"
        )
        chance = "" if test.is_better else ". That may be chance"
        found.append((test, f"{words.title(axis)}: {where} {certainty(test)}{chance}."))
    return found

"""The result of a study in a few sentences, computed from its numbers."""

import dataclasses
from collections.abc import Sequence

from train.report.figures.sensitivity import around, centre_of
from train.report.numbers import words
from train.report.numbers.comparisons import Comparison, Family
from train.report.numbers.race import MEASURE, certainty, complete, points, power, race, so_far
from train.report.numbers.records import Cell, Study
from train.report.pages.page import Block, Bullets, Paragraph


@dataclasses.dataclass(frozen=True)
class Result:
    """What came out of a group of settings that are held against each other."""

    group: str
    text: str


def main_group(study: Study) -> str:
    """The group that the first sentence is about: the tuned settings, else the first."""
    axis, tuned = words.TUNED
    found = (g for g, cells in study.groups.items() if cells[0].labels.get(axis) == tuned)
    return next(found, next(iter(study.groups), ""))


def results(study: Study) -> Sequence[Result]:
    """Of each group, the main one first; that one tells the number of seeds or of runs too."""
    main = main_group(study)
    smoke = "No evidence, as the size is smoke: " if study.record["size"] == "smoke" else ""
    is_sensitivity = study.record.get("kind") == "sensitivity"
    if study.is_whole:
        seeds = words.count(len({run.seed for run in study.runs}), "seed")
        named = f" ({main})" if len(study.groups) > 1 else ""
        head, tail = f"{'with' if smoke else 'With'} {seeds}{named}, ", ""
    else:
        done = sum(run.is_over for run in study.runs)
        named = f" For {main}:" if len(study.groups) > 1 else ""
        head = f"{done} of {len(study.runs)} runs are done.{named} "
        tail = " There is no verdict before all planned runs are done."
    found = []
    for group in sorted(study.groups, key=lambda group: group != main):  # stable: the main first
        if not study.is_whole:
            text = so_far(study, group)
        elif is_sensitivity:
            text = _of_axes(study, group)
        else:
            text = race(study, group, is_brief=group != main)
        found.append(Result(group, text))
    first, *others = found or [Result(main, "Nothing is planned.")]
    return [Result(main, f"{smoke}{head}{first.text}{tail}"), *others]


def section(study: Study) -> Sequence[Block]:
    """What stands right below the title."""
    first, *others = results(study)
    items = [f"{each.group}: {each.text}" for each in others]
    if study.is_whole and study.record.get("kind") == "sensitivity":
        items = [text for _, text in _along_axes(study)]
    return [Paragraph(first.text, "result"), *([Bullets(items)] if items else [])]


def less_best(study: Study, cell: Cell) -> Comparison | None:
    """A setting against the best of its group; None of the best, and before all runs are done."""
    group = study.group_of(cell.labels)
    order = complete(study.groups[group])
    if not order or not study.is_whole:
        return None
    return Family(study, group, MEASURE).of(cell, order[0])


def _of_axes(study: Study, group: str) -> str:
    """Which values are better than the default around which the study was made."""
    tests = [test for test, _ in _along_axes(study)]
    if not tests:
        return race(study, group)
    centre = centre_of(study)
    default = f"the default ({words.labels(centre, study.varied)})"
    better = [
        f"{words.labels(test.cell.labels, _changed(test))} ends {points(test)} of test accuracy "
        f"above {default} {certainty(test)}"
        for test in tests
        if test.is_better and dict(test.cell.labels) != dict(centre)
    ]
    axes = words.listed([words.plain(axis) for axis in study.varied], "or")
    none = f"no other value of {axes} ends significantly above {default} in test accuracy"
    return f"{'; '.join(better) or none}. {power(tests)}"


def _changed(test: Comparison) -> Sequence[str]:
    mine, other = test.cell.labels, test.other.labels
    return [axis for axis, label in mine.items() if other[axis] != label]


def _along_axes(study: Study) -> Sequence[tuple[Comparison, str]]:
    """Along each axis the best value, against the default, or against the next if it is that."""
    centre, found = centre_of(study), []
    middle = study.cell(centre)
    family = Family(study, next(iter(study.groups)), MEASURE)
    for axis in study.varied:
        order = complete(around(study, centre, [axis]))
        if len(order) < 2 or middle is None or middle not in order:
            continue
        best = order[0]
        test = family.of(best, order[1] if best is middle else middle)
        if test is None:
            continue
        label, other = best.labels[axis], test.other.labels[axis]
        where = (
            f"the default, {label}, is best, {points(test)} above the next value, {other}"
            if best is middle
            else f"{label} is best, {points(test)} above the default, {other}"
        )
        chance = "" if test.is_better else ". That may be chance"
        found.append((test, f"{words.title(axis)}: {where} {certainty(test)}{chance}."))
    return found

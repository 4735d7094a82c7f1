"""The ways to hold a claim against the runs; the words come from the numbers."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from train.errors import UserError
from train.report import words
from train.report.comparisons import difference_of, estimate_of
from train.report.measures import MEASURES, Measure, best_reached
from train.report.records import Cell, Labels, Study
from train.report.statistics import Difference

AGREES, DISAGREES, CANNOT_TELL, MEASURED = "agrees", "disagrees", "cannot tell", "measured"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What some runs say of a claim, and the numbers that it follows from."""

    verdict: str
    where: str
    """Which runs; empty where the claim is of the whole study."""
    numbers: str


@dataclasses.dataclass(frozen=True)
class Findings:
    """Those of a claim."""

    measured: str
    """What the numbers are of, with their unit."""
    each: Sequence[Finding]


Check: TypeAlias = Callable[..., Findings]


def compare(
    study: Study, *, measure: str, of: Labels, than: Labels, expect: str, **arguments: Any
) -> Findings:
    """One setting is higher, or lower, than another: the interval of the difference excludes 0.

    Args:
      study: the study.
      measure: one of `MEASURES`.
      of: labels of the cells that the claim is about; each is a finding of its own.
      than: the labels in which the cell that it is held against differs from it.
      expect: "higher" or "lower".
      **arguments: of the measure; `steps_to` takes a `fraction` of the best accuracy of the group.
    """
    sign = {"higher": 1, "lower": -1}.get(expect)
    if sign is None:
        raise unusable("expect", "be higher or lower", expect)

    def judge(low: float, high: float) -> str:
        if low <= 0 <= high:
            return CANNOT_TELL
        return AGREES if sign * low > 0 else DISAGREES

    return _differences(study, measure, of, than, judge, arguments)


def equivalent(
    study: Study, *, measure: str, of: Labels, than: Labels, margin: float, **arguments: Any
) -> Findings:
    """Two settings are the same within a margin, in the measure's unit: the whole interval is.

    It disagrees where the whole interval lies outside. The other arguments are those of `compare`.
    """

    def judge(low: float, high: float) -> str:
        if -margin < low and high < margin:
            return AGREES
        return DISAGREES if low > margin or high < -margin else CANNOT_TELL

    found = _differences(study, measure, of, than, judge, arguments)
    return Findings(f"{found.measured} (the same: within {margin:g} either way)", found.each)


def never_halted(study: Study, *, of: Labels | None = None) -> Findings:
    """No run was halted by its guard, though it may have gone on with another schedule."""
    runs = [run for cell in _matching(study, of or {}) for run in cell.runs]
    halted = [run for run in runs if run.was_halted]
    numbers = f"{len(halted)} of {len(runs)}; {sum(run.has_ended for run in runs)} ended"
    numbers += "".join(f"; {run.name} {run.note}" for run in halted)
    is_whole = bool(runs) and all(run.has_ended for run in runs)
    verdict = DISAGREES if halted else AGREES if is_whole else CANNOT_TELL
    return Findings("Runs that were halted", [Finding(verdict, "", numbers)])


def settles(
    study: Study, *, of: Labels | None = None, expect: bool = True, limit: float = 10.0
) -> Findings:
    """The training loss comes to rest, or does not (`expect` false).

    It rests where the epochs' means of the last quarter range over less than `limit` per cent of
    the fall from the first epoch's to the lowest; the interval over the seeds must say so.
    """
    found = []
    for cell in _matching(study, of or {}):
        unrest = estimate_of(cell, "unrest")
        verdict = CANNOT_TELL
        if unrest.mean is not None and unrest.half is not None:
            if unrest.mean + unrest.half < limit:
                verdict = AGREES if expect else DISAGREES
            elif unrest.mean - unrest.half > limit:
                verdict = DISAGREES if expect else AGREES
        found.append(Finding(verdict, _name(study, cell), words.mean(unrest, 1)))
    measured = (
        "Range of the epochs' training loss in the last quarter of the run, % of its whole fall "
        f"(at rest: below {limit:g})"
    )
    return Findings(measured, found)


def spread(study: Study, *, axis: str, measure: str = "final_accuracy") -> Findings:
    """How much a measure depends on an axis: left open by the papers, so there is no verdict."""
    if axis not in study.axes:
        raise unusable("axis", f"be one of {', '.join(study.axes)}", axis)
    known, found = _measure(measure), []
    for name, cells in _rows_along(study, axis).items():
        means = [(estimate_of(cell, measure), cell.labels[axis]) for cell in cells]
        ranked = sorted(
            [(each.mean, each, label) for each, label in means if each.mean is not None],
            key=lambda entry: entry[0],
        )
        if len(ranked) < 2:
            continue
        low, high = (
            f"{words.mean(each, known.digits)} at {label}"
            for _, each, label in (ranked[0], ranked[-1])
        )
        apart = words.number(ranked[-1][0] - ranked[0][0], known.digits)
        found.append(Finding(MEASURED, name, f"from {low} to {high}, {apart} apart"))
    return Findings(f"{known.header}, over the values of {words.plain(axis)}", found)


CHECKS: Mapping[str, Check] = {
    "compare": compare,
    "equivalent": equivalent,
    "never_halted": never_halted,
    "settles": settles,
    "spread": spread,
}
"""By the name by which a study's claim asks for one."""


def unusable(name: str, rule: str, got: object) -> UserError:
    """The error for an argument of a claim."""
    return UserError(
        f"`{name}` of a claim must {rule}, got {got}. Mend it in the study's configuration."
    )


def _differences(
    study: Study,
    measure: str,
    of: Labels,
    than: Labels,
    judge: Callable[[float, float], str],
    arguments: Mapping[str, Any],
) -> Findings:
    known, found = _measure(measure), []
    for cell in _matching(study, of):
        other = study.cell({**cell.labels, **than})
        if other is None or other is cell:
            continue
        given = dict(arguments)
        if "fraction" in given:
            best = best_reached(study.groups[study.group_of(cell.labels)])
            given["accuracy"] = given.pop("fraction") * (best or 100.0)
        each = difference_of(cell, other, measure, **given)
        verdict = CANNOT_TELL
        if each.low is not None and each.high is not None:
            verdict = judge(each.low, each.high)
        these, those = (
            f"{study.name_of(one.labels)} = "
            + words.mean(estimate_of(one, measure, **given), known.digits)
            for one in (cell, other)
        )
        numbers = f"{these}; {those}; {_difference(each, known.digits)}"
        found.append(Finding(verdict, study.group_of(cell.labels), numbers))
    return Findings(_title(known, arguments), found)


def _difference(each: Difference, digits: int) -> str:
    if each.n == 0:
        return "no pair of runs has both numbers"
    scatter = f"{words.interval(each, digits)}, " if each.n > 1 else ""
    by = words.number(each.mean, digits, signed=True)
    return f"difference {by} ({scatter}{words.count(each.n, 'pair')})"


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


def _measure(name: str) -> Measure:
    if name not in MEASURES:
        raise unusable("measure", f"be one of {', '.join(MEASURES)}", name)
    return MEASURES[name]


def _matching(study: Study, labels: Labels) -> Sequence[Cell]:
    return [cell for cell in study.cells if labels.items() <= cell.labels.items()]


def _rows_along(study: Study, axis: str) -> Mapping[str, Sequence[Cell]]:
    rows: dict[str, list[Cell]] = {}
    for cell in study.cells:
        others = [f"{words.plain(a)} {cell.labels[a]}" for a in study.varied if a != axis]
        rows.setdefault(", ".join(others), []).append(cell)
    return rows


def _name(study: Study, cell: Cell) -> str:
    return ", ".join(cell.labels[axis] for axis in study.varied)

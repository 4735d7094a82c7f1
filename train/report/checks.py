"""The ways to hold a claim against the runs; the words come from the numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from train.report import words
from train.report.comparisons import estimate_of
from train.report.differences import differences
from train.report.findings import (
    AGREES,
    CANNOT_TELL,
    DISAGREES,
    MEASURED,
    Finding,
    Findings,
    lacking,
    matching,
    measure_of,
    unusable,
)
from train.report.records import Cell, Labels, Study
from train.report.statistics import Estimate

Check: TypeAlias = Callable[..., Findings]


def compare(
    study: Study, *, measure: str, of: Labels, than: Labels, expect: str, **arguments: Any
) -> Findings:
    """One setting is higher, or lower, than another: the interval of the difference excludes 0.

    It cannot be told unless every seed of both has the number: what halted, has not ended or is not
    finite is not chance, and the seeds that are left are the lucky ones. Of `steps_to`, where one
    run of a pair never gets to the accuracy, its number is its length, the least that it can be.

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

    return differences(study, measure, of, than, judge, arguments)


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

    found = differences(study, measure, of, than, judge, arguments)
    return Findings(f"{found.measured} (the same: within {margin:g} either way)", found.each)


def never_halted(study: Study, *, of: Labels | None = None) -> Findings:
    """No run was halted by its guard, though it may have gone on with another schedule."""
    runs = [run for cell in matching(study, of or {}) for run in cell.runs]
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
    the fall from the first epoch's to the lowest; the interval over the seeds must say so, and
    every seed have the number. Only whole epochs count, and none in which a restart falls.
    """
    found = []
    for cell in matching(study, of or {}):
        unrest = estimate_of(cell, "unrest")
        verdict = CANNOT_TELL
        left = lacking(unrest.n, len(cell.runs), "the number")
        if not left and unrest.mean is not None and unrest.half is not None:
            if unrest.mean + unrest.half < limit:
                verdict = AGREES if expect else DISAGREES
            elif unrest.mean - unrest.half > limit:
                verdict = DISAGREES if expect else AGREES
        found.append(Finding(verdict, _name(study, cell), words.mean(unrest, 1) + left))
    measured = (
        "Range of the epochs' training loss in the last quarter of the run (whole epochs, and none "
        f"with a restart in it), % of its whole fall (at rest: below {limit:g})"
    )
    return Findings(measured, found)


def spread(study: Study, *, axis: str, measure: str = "final_accuracy") -> Findings:
    """How much a measure depends on an axis: left open by the papers, so there is no verdict.

    The highest mean is above the lowest by chance alone, so the noise stands beside their distance:
    the half intervals of the means, on average.
    """
    if axis not in study.axes:
        raise unusable("axis", f"be one of {', '.join(study.axes)}", axis)
    known, found = measure_of(measure), []
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
        numbers = f"from {low} to {high}, {apart} apart"
        found.append(
            Finding(MEASURED, name, numbers + _noise([each for each, _ in means], known.digits))
        )
    measured = (
        f"{known.header}, over the values of {words.plain(axis)} (what is not well above the half "
        "intervals may be chance)"
    )
    return Findings(measured, found)


CHECKS: Mapping[str, Check] = {
    "compare": compare,
    "equivalent": equivalent,
    "never_halted": never_halted,
    "settles": settles,
    "spread": spread,
}
"""By the name by which a study's claim asks for one."""


def _noise(means: Sequence[Estimate], digits: int) -> str:
    halves = [each.half for each in means if each.half is not None]
    if not halves:
        return ", with one seed each"
    return f"; half intervals of {words.number(sum(halves) / len(halves), digits)} on average"


def _rows_along(study: Study, axis: str) -> Mapping[str, Sequence[Cell]]:
    rows: dict[str, list[Cell]] = {}
    for cell in study.cells:
        others = words.labels(cell.labels, [each for each in study.varied if each != axis])
        rows.setdefault(others, []).append(cell)
    return rows


def _name(study: Study, cell: Cell) -> str:
    return words.labels(cell.labels, study.varied)

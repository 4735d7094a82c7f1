"""The checks by which a claim is tested against the runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from train.report.claims.differences import differences
from train.report.claims.findings import (
    AGREES,
    CANNOT_TELL,
    DISAGREES,
    MEASURED,
    NO_DIFFERENCE,
    NOT_YET,
    Finding,
    Findings,
    lacking,
    matching,
    measure_of,
    unusable,
    without,
)
from train.report.numbers import words
from train.report.numbers.comparisons import estimate_of
from train.report.numbers.margins import Margin, margin_of
from train.report.numbers.records import Cell, Labels, Results
from train.report.numbers.statistics import Difference, Estimate

Check: TypeAlias = Callable[..., Findings]


def compare(
    results: Results,
    *,
    measure: str,
    of: Labels,
    than: Labels,
    expect: str,
    margin: float | None = None,
    because: str = "",
    **arguments: Any,
) -> Findings:
    """Checks whether a setting is higher, or lower, than another one.

    It is, if the interval of the difference excludes 0. If the interval holds 0, and two one-sided
    tests confirm that the difference is within the margin, the verdict is "no difference".

    Every seed of both settings must have the number, or the verdict is "cannot tell". Runs do not
    halt by chance: the seeds that are left would be the lucky ones.

    With `steps_to`, one run of a pair may never get to the accuracy. It then counts as its whole
    length, which is the least that its number can be.

    Args:
      results: of the study.
      measure: a name in `measures_of`.
      of: labels of the cells that the claim is about. Each cell gives a finding of its own.
      than: the labels in which the other cell of the comparison differs from it.
      expect: "higher" or "lower".
      margin: a smaller difference counts as none, in the measure's unit; None: as in `MARGINS`.
      because: the reason for the claim's own margin, as a sentence.
      **arguments: of the measure; `steps_to` takes a `fraction` of the best accuracy of the group.
    """
    sign = {"higher": 1, "lower": -1}.get(expect)
    if sign is None:
        raise unusable("expect", "be higher or lower", expect)
    known, least = measure_of(results, measure), _margin(results, measure, margin, because)

    def judge(by: Difference, margin: float | None) -> tuple[str, str]:
        if by.low is None or by.high is None:
            return CANNOT_TELL, ""
        is_within = margin is not None and by.is_within(margin)
        if by.low <= 0 <= by.high:
            said = f"; no difference larger than {least.text(known)}" if is_within else ""
            return (NO_DIFFERENCE if is_within else CANNOT_TELL), said
        said = f"; though it is not larger than {least.text(known)}" if is_within else ""
        return (AGREES if sign * by.low > 0 else DISAGREES), said

    return differences(results, measure, of, than, judge, least, arguments)


def equivalent(
    results: Results,
    *,
    measure: str,
    of: Labels,
    than: Labels,
    margin: float | None = None,
    because: str = "",
    **arguments: Any,
) -> Findings:
    """Checks whether two settings are the same within a margin.

    They are, if two one-sided t-tests (TOST) at 5 % each confirm it. That is the case where the
    whole 90 % interval of the difference lies within the margin. The verdict is "disagrees" where
    the whole 95 % interval lies outside. The arguments are those of `compare`.
    """
    known, least = measure_of(results, measure), _margin(results, measure, margin, because)

    def judge(by: Difference, margin: float | None) -> tuple[str, str]:
        if margin is None or by.low is None or by.high is None or by.bound is None:
            return CANNOT_TELL, ""
        if by.is_within(margin):
            return AGREES, f"; no difference larger than {least.text(known)}"
        if by.low > margin or by.high < -margin:
            return DISAGREES, ""
        bound = words.number(by.bound, known.digits)
        return CANNOT_TELL, f"; it could be confirmed within {bound}, and not within less"

    found = differences(results, measure, of, than, judge, least, arguments)
    return Findings(
        f"{found.measured} (the same: within {least.text(known)} either way)", found.each
    )


def never_halted(results: Results, *, of: Labels | None = None) -> Findings:
    """Checks that no run was halted by its guard, even if it went on with another schedule."""
    runs = [run for cell in matching(results, of or {}) for run in cell.runs]
    halted = [run for run in runs if run.was_halted]
    numbers = f"{len(halted)} of {len(runs)}; {sum(run.has_ended for run in runs)} ended"
    numbers += "".join(f"; {run.name} {run.note}" for run in halted)
    is_whole = bool(runs) and all(run.has_ended for run in runs)
    verdict = DISAGREES if halted else AGREES if is_whole else NOT_YET
    return Findings("Runs that were halted", [Finding(verdict, "", numbers)])


def settles(
    results: Results, *, of: Labels | None = None, expect: bool = True, limit: float = 10.0
) -> Findings:
    """Checks whether the training loss comes to rest; with `expect` false, that it does not.

    It rests if the means of the last quarter's epochs range over less than `limit` per cent of the
    fall from the first epoch's mean to the lowest. The interval over the seeds must say so, and
    every seed must have the number. Only whole epochs without a restart count.
    """
    found = []
    for cell in matching(results, of or {}):
        unrest = estimate_of(cell, "unrest")
        left = lacking(unrest.n, len(cell.runs), "the number")
        verdict = without(unrest.n, cell.runs) if left else CANNOT_TELL
        if not left and unrest.mean is not None and unrest.half is not None:
            if unrest.mean + unrest.half < limit:
                verdict = AGREES if expect else DISAGREES
            elif unrest.mean - unrest.half > limit:
                verdict = DISAGREES if expect else AGREES
        found.append(Finding(verdict, _label(results, cell), words.mean(unrest, 1) + left))
    measured = (
        "Range of the epochs' training loss in the last quarter of the run (whole epochs, and none "
        f"with a restart in it), % of its whole fall (at rest: below {limit:g})"
    )
    return Findings(measured, found)


def spread(results: Results, *, axis: str, measure: str = "") -> Findings:
    """Measures how much a measure depends on an axis. The papers leave it open: no verdict.

    By chance alone the highest mean is above the lowest. So the noise stands beside their distance:
    the average of the means' half intervals. The measure is by itself the task's first, at the end.
    """
    if axis not in results.axes:
        raise unusable("axis", f"be one of {', '.join(results.axes)}", axis)
    measure = measure or results.task.first.final
    known, found = measure_of(results, measure), []
    for name, cells in _rows_along(results, axis).items():
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
        numbers += _noise([each for each, _ in means], known.digits)
        is_whole = all(run.is_over for cell in cells for run in cell.runs)
        found.append(Finding(MEASURED if is_whole else NOT_YET, name, numbers))
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
"""The checks by the names that the claims of a study use."""


def _margin(results: Results, measure: str, margin: float | None, because: str) -> Margin:
    if margin is not None and not margin > 0:
        raise unusable("margin", f"be above 0, in the unit of {measure}", margin)
    return margin_of(results.task, measure, margin, because)


def _noise(means: Sequence[Estimate], digits: int) -> str:
    halves = [each.half for each in means if each.half is not None]
    if not halves:
        return ", with one seed each"
    return f"; half intervals of {words.number(sum(halves) / len(halves), digits)} on average"


def _rows_along(results: Results, axis: str) -> Mapping[str, Sequence[Cell]]:
    rows: dict[str, list[Cell]] = {}
    for cell in results.cells:
        others = words.labels(cell.labels, [each for each in results.varied if each != axis])
        rows.setdefault(others, []).append(cell)
    return rows


def _label(results: Results, cell: Cell) -> str:
    return words.labels(cell.labels, results.varied)

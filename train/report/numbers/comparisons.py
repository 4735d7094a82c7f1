"""Comparisons of a study's settings, paired over their seeds."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from train.report.numbers.measures import measures_of
from train.report.numbers.records import Cell, Results
from train.report.numbers.statistics import ALPHA, Difference, Estimate, estimate, holm, paired


def primary(results: Results) -> tuple[str, ...]:
    """Returns the measures that are tested against the baseline."""
    return results.task.first.final, "final_loss", "area"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The difference between a cell and another one of its group, in one measure."""

    cell: Cell
    other: Cell
    measure: str
    difference: Difference
    p: float | None
    """The p-value, with Holm's correction for the family; None: there is no test, or not yet."""
    tests: int
    """The number of tests in the family."""

    @property
    def detectable_corrected(self) -> float | None:
        """Returns a difference that the corrected test would have shown, whatever its rank.

        It is that of a test at the level of Holm's first step, 5 % over the number of tests. The
        later steps are less strict, so that the least such difference is at most this one.
        """
        return self.difference.detectable_at(ALPHA / self.tests) if self.tests else None

    @property
    def is_significant(self) -> bool:
        """Tells whether the difference would be rare by chance, correction included."""
        return self.p is not None and self.p < ALPHA

    @property
    def is_better(self) -> bool:
        """Tells whether the cell is significantly better than the other one."""
        better = measures_of(self.cell.task)[self.measure].better
        return self.is_significant and better * (self.difference.mean or 0) > 0

    @property
    def lead(self) -> Difference:
        """Returns by how much the cell is better: above 0 where it is, whatever the direction."""
        is_higher = measures_of(self.cell.task)[self.measure].better >= 0
        return self.difference if is_higher else self.difference.turned


class Family:
    """All comparisons of one measure in one group; Holm's correction is over these.

    They are all pairs of the group's settings. In a study of sensitivity they are only the pairs
    with the default, around which it was made. So a pair has one corrected p, wherever the report
    shows it. Nothing is tested before all planned runs are over: whoever tests after each new seed
    finds differences by chance sooner or later.
    """

    def __init__(self, results: Results, group: str, measure: str) -> None:
        """Compares all pairs.

        Args:
          results: the study's results.
          group: a key of `results.groups`.
          measure: a name in `measures_of`.
        """
        cells = results.groups[group]
        pairs = [pair for pair in itertools.combinations(cells, 2) if _is_tested(results, *pair)]
        values = {cell: values_of(cell, measure) for cell in cells}
        found = [paired(values[cell], values[other]) for cell, other in pairs]
        corrected = holm([each.p if results.is_whole else None for each in found])
        tests = sum(p is not None for p in corrected)
        self._found = {
            (cell, other): Comparison(cell, other, measure, difference, p, tests)
            for (cell, other), difference, p in zip(pairs, found, corrected, strict=True)
        }

    def of(self, cell: Cell, other: Cell) -> Comparison | None:
        """Returns the first cell less the second; None for a pair that is not of the family."""
        if found := self._found.get((cell, other)):
            return found
        if found := self._found.get((other, cell)):
            turned = found.difference.turned
            return dataclasses.replace(found, cell=cell, other=other, difference=turned)
        return None


def estimate_of(cell: Cell, measure: str, **arguments: Any) -> Estimate:
    """Returns a measure's mean over the seeds of the runs that ended."""
    of = measures_of(cell.task)[measure].of
    return estimate(of(run, **arguments) for run in cell.ended)


def values_of(cell: Cell, measure: str, **arguments: Any) -> Mapping[int, float | None]:
    """Returns a measure of the runs that ended, by their seeds."""
    of = measures_of(cell.task)[measure].of
    return {run.seed: of(run, **arguments) for run in cell.ended}


def against_baseline(results: Results, measure: str) -> Sequence[Comparison]:
    """Compares every cell with the baseline of its group, in one measure."""
    found: list[Comparison] = []
    for group, cells in results.groups.items() if results.baseline else ():
        family = Family(results, group, measure)
        for cell in cells:
            other = results.cell({**cell.labels, **results.baseline})
            if other is not None and (each := family.of(cell, other)):
                found.append(each)
    return found


def ranked(cells: Sequence[Cell], measure: str) -> Sequence[Cell]:
    """Returns the cells that have a mean, the best first."""
    means = [(cell, estimate_of(cell, measure).mean) for cell in cells]
    known = [(cell, mean) for cell, mean in means if mean is not None]
    signs = {cell: measures_of(cell.task)[measure].better for cell, _ in known}
    return [cell for cell, _ in sorted(known, key=lambda pair: -signs[pair[0]] * pair[1])]


def clear_best(results: Results, group: str, measure: str) -> Cell | None:
    """Returns the cell with the best mean, if it is significantly better than each other one."""
    order, family = ranked(results.groups[group], measure), Family(results, group, measure)
    tests = [test for other in order[1:] if (test := family.of(order[0], other))]
    return order[0] if tests and all(test.is_better for test in tests) else None


def _is_tested(results: Results, cell: Cell, other: Cell) -> bool:
    if results.record.get("kind") != "sensitivity" or not results.baseline:
        return True
    return any(results.baseline.items() <= each.labels.items() for each in (cell, other))

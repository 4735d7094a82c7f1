"""The runs of a study held against each other, paired over their seeds."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from train.report.numbers.measures import MEASURES
from train.report.numbers.records import Cell, Study
from train.report.numbers.statistics import ALPHA, Difference, Estimate, estimate, holm, paired

PRIMARY = ("final_accuracy", "final_loss", "area")
"""The measures that are tested against the baseline."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A cell less another one of its group, in one measure."""

    cell: Cell
    other: Cell
    measure: str
    difference: Difference
    p: float | None
    """Corrected by Holm for the family; None where there is no test, or not yet."""
    tests: int
    """How many the family has."""

    @property
    def is_significant(self) -> bool:
        """Whether the difference would be rare by chance, correction included."""
        return self.p is not None and self.p < ALPHA

    @property
    def is_better(self) -> bool:
        """Whether the cell is better than the other one, significantly."""
        return (
            self.is_significant and MEASURES[self.measure].better * (self.difference.mean or 0) > 0
        )


class Family:
    """The comparisons of one measure in one group of a study: what Holm's correction is over.

    They are all pairs of the group's settings. In a study of sensitivity they are the pairs with
    the default alone, around which it was made. So a pair has one corrected p, wherever the report
    shows it. Before all planned runs are over nothing is tested: whoever tests after each new seed
    finds differences by chance sooner or later.
    """

    def __init__(self, study: Study, group: str, measure: str) -> None:
        """Compares.

        Args:
          study: the study.
          group: a key of `study.groups`.
          measure: one of `MEASURES`.
        """
        cells = study.groups[group]
        pairs = [pair for pair in itertools.combinations(cells, 2) if _is_tested(study, *pair)]
        values = {cell: values_of(cell, measure) for cell in cells}
        found = [paired(values[cell], values[other]) for cell, other in pairs]
        corrected = holm([each.p if study.is_whole else None for each in found])
        tests = sum(p is not None for p in corrected)
        self._found = {
            (cell, other): Comparison(cell, other, measure, difference, p, tests)
            for (cell, other), difference, p in zip(pairs, found, corrected, strict=True)
        }

    def of(self, cell: Cell, other: Cell) -> Comparison | None:
        """A cell less another one; None for a pair that is not of the family."""
        if found := self._found.get((cell, other)):
            return found
        if found := self._found.get((other, cell)):
            turned = found.difference.turned
            return dataclasses.replace(found, cell=cell, other=other, difference=turned)
        return None


def estimate_of(cell: Cell, measure: str, **arguments: Any) -> Estimate:
    """A measure's mean over the seeds of the runs that ended."""
    return estimate(MEASURES[measure].of(run, **arguments) for run in cell.ended)


def values_of(cell: Cell, measure: str, **arguments: Any) -> Mapping[int, float | None]:
    """A measure of the runs that ended, by their seeds."""
    return {run.seed: MEASURES[measure].of(run, **arguments) for run in cell.ended}


def against_baseline(study: Study, measure: str) -> Sequence[Comparison]:
    """Every cell against the baseline of its group, in one measure."""
    found: list[Comparison] = []
    for group, cells in study.groups.items() if study.baseline else ():
        family = Family(study, group, measure)
        for cell in cells:
            other = study.cell({**cell.labels, **study.baseline})
            if other is not None and (each := family.of(cell, other)):
                found.append(each)
    return found


def ranked(cells: Sequence[Cell], measure: str) -> Sequence[Cell]:
    """Those with a mean, the best first."""
    sign = MEASURES[measure].better
    means = [(cell, estimate_of(cell, measure).mean) for cell in cells]
    known = [(cell, mean) for cell, mean in means if mean is not None]
    return [cell for cell, _ in sorted(known, key=lambda pair: -sign * pair[1])]


def clear_best(study: Study, group: str, measure: str) -> Cell | None:
    """The cell with the best mean, if each test of it against another of its group says so."""
    order, family = ranked(study.groups[group], measure), Family(study, group, measure)
    tests = [test for other in order[1:] if (test := family.of(order[0], other))]
    return order[0] if tests and all(test.is_better for test in tests) else None


def _is_tested(study: Study, cell: Cell, other: Cell) -> bool:
    if study.record.get("kind") != "sensitivity" or not study.baseline:
        return True
    return any(study.baseline.items() <= each.labels.items() for each in (cell, other))

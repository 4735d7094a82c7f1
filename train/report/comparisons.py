"""The runs of a study held against each other, paired over their seeds."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from train.report.measures import MEASURES
from train.report.records import Cell, Study
from train.report.statistics import Difference, Estimate, estimate, holm, paired

PRIMARY = ("final_accuracy", "final_loss", "area")
"""The measures that are tested against the baseline."""
ALPHA = 0.05
"""A corrected p below it is called significant."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A cell against the baseline of its group, in one measure."""

    cell: Cell
    measure: str
    difference: Difference
    p: float | None
    """Corrected for all the comparisons of the study."""

    @property
    def is_significant(self) -> bool:
        """Whether the difference would be rare by chance, correction included."""
        return self.p is not None and self.p < ALPHA


def estimate_of(cell: Cell, measure: str, **arguments: Any) -> Estimate:
    """A measure's mean over the seeds of the runs that ended."""
    return estimate(MEASURES[measure].of(run, **arguments) for run in cell.ended)


def values_of(cell: Cell, measure: str, **arguments: Any) -> Mapping[int, float | None]:
    """A measure of the runs that ended, by their seeds."""
    return {run.seed: MEASURES[measure].of(run, **arguments) for run in cell.ended}


def difference_of(these: Cell, those: Cell, measure: str, **arguments: Any) -> Difference:
    """A measure of one cell less that of another, paired over the seeds that ended in both."""
    return paired(*(values_of(cell, measure, **arguments) for cell in (these, those)))


def against_baseline(study: Study) -> Sequence[Comparison]:
    """Every cell against the baseline of its group, in every primary measure."""
    if not study.baseline:
        return []
    found = []
    for cell in study.cells:
        other = study.cell({**cell.labels, **study.baseline})
        if other is not None and other is not cell:
            found += [(cell, name, difference_of(cell, other, name)) for name in PRIMARY]
    corrected = holm([difference.p for *_, difference in found])
    return [Comparison(*each, p) for each, p in zip(found, corrected, strict=True)]


def clear_best(cells: Sequence[Cell], measure: str) -> Cell | None:
    """The cell that is better than every other one, each difference significant after Holm."""
    sign = MEASURES[measure].better
    means = [(cell, estimate_of(cell, measure).mean) for cell in cells]
    known = [(cell, mean) for cell, mean in means if mean is not None]
    if len(known) < 2:
        return None
    best = max(known, key=lambda pair: sign * pair[1])[0]
    others = [difference_of(best, cell, measure) for cell, _ in known if cell is not best]
    corrected = holm([other.p for other in others])
    is_clear = all(
        p is not None and p < ALPHA and sign * (other.mean or 0) > 0
        for p, other in zip(corrected, others, strict=True)
    )
    return best if is_clear else None

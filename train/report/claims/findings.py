"""What a check finds, and what checks share."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from train.errors import UserError
from train.report.numbers import words
from train.report.numbers.measures import MEASURES, Measure
from train.report.numbers.records import Cell, Labels, Run, Study

AGREES, DISAGREES, CANNOT_TELL, MEASURED = "agrees", "disagrees", "cannot tell", "measured"
NO_DIFFERENCE, NOT_YET = "no difference", "not yet"
VERDICTS = (AGREES, DISAGREES, NO_DIFFERENCE, CANNOT_TELL, NOT_YET, MEASURED)
"""No difference: none larger than the margin, where a claim says that there is one. Not yet: some
of the runs are still to be made."""


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


def fit(function: Callable[..., Any], named: str, *given: Any, **arguments: Any) -> None:
    """Raises an error that can be mended where a function does not take these arguments."""
    try:
        inspect.signature(function).bind(*given, **arguments)
    except TypeError as error:
        raise unusable("arguments", f"be those of {named}", f"others: {error}") from error


def unusable(name: str, rule: str, got: object) -> UserError:
    """The error for an argument of a claim."""
    return UserError(
        f"`{name}` of a claim must {rule}, got {got}. Mend it in the study's configuration."
    )


def measure_of(name: str) -> Measure:
    """The one of this name."""
    if name not in MEASURES:
        raise unusable("measure", f"be one of {', '.join(MEASURES)}", name)
    return MEASURES[name]


def matching(study: Study, labels: Labels) -> Sequence[Cell]:
    """The cells that have all of these labels."""
    return [cell for cell in study.cells if labels.items() <= cell.labels.items()]


def lacking(n: int, of: int, what: str) -> str:
    """What to say of `n` numbers where there should be as many as seeds; empty if there are."""
    return "" if n == of else f"; {n} of {words.count(of, 'seed')} have {what}"


def without(n: int, runs: Sequence[Run]) -> str:
    """The verdict where only `n` of the seeds of these runs have a number.

    Not yet, if the runs that are still to be made are all that is lacking. A run that halted, or
    whose number is not finite, will not come: then it cannot be told.
    """
    seeds = {run.seed for run in runs}
    pending = {run.seed for run in runs if not run.is_over}
    return NOT_YET if pending and n == len(seeds - pending) else CANNOT_TELL

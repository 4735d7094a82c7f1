"""The findings of a check, and the functions that checks share."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from train.errors import UserError
from train.report.numbers import words
from train.report.numbers.measures import Measure, measures_of
from train.report.numbers.records import Cell, Labels, Outcome, Results

AGREES, DISAGREES, CANNOT_TELL, MEASURED = "agrees", "disagrees", "cannot tell", "measured"
NO_DIFFERENCE, NOT_YET = "no difference", "not yet"
VERDICTS = (AGREES, DISAGREES, NO_DIFFERENCE, CANNOT_TELL, NOT_YET, MEASURED)
"""No difference: none larger than the margin, where a claim says that there is one. Not yet: some
of the runs are still to be made."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """A verdict of some runs on a claim, and the numbers that it follows from."""

    verdict: str
    where: str
    """The runs that it is about; empty if the claim is about the whole study."""
    numbers: str


@dataclasses.dataclass(frozen=True)
class Findings:
    """All findings on one claim."""

    measured: str
    """The measure that the numbers are of, with its unit."""
    each: Sequence[Finding]


def check_arguments(
    function: Callable[..., Any], named: str, *given: Any, **arguments: Any
) -> None:
    """Raises a UserError where a function does not take these arguments."""
    try:
        inspect.signature(function).bind(*given, **arguments)
    except TypeError as error:
        raise unusable("arguments", f"be those of {named}", f"others: {error}") from error


def unusable(name: str, rule: str, got: object) -> UserError:
    """Returns the error for an argument of a claim that cannot be used."""
    return UserError(
        f"`{name}` of a claim must {rule}, got {got}. Mend it in the study's configuration."
    )


def measure_of(results: Results, name: str) -> Measure:
    """Returns the measure of this name, or raises a UserError that lists the names."""
    known = measures_of(results.task)
    if name not in known:
        raise unusable("measure", f"be one of {', '.join(known)}", name)
    return known[name]


def matching(results: Results, labels: Labels) -> Sequence[Cell]:
    """Returns the cells that have all of these labels."""
    return [cell for cell in results.cells if labels.items() <= cell.labels.items()]


def lacking(n: int, of: int, what: str) -> str:
    """Says that only `n` of the `of` seeds have a number; empty if all have one."""
    return "" if n == of else f"; {n} of {words.count(of, 'seed')} have {what}"


def without(n: int, runs: Sequence[Outcome]) -> str:
    """Returns the verdict where only `n` of the seeds of these runs have a number.

    It is "not yet" if only runs that are still to be made lack one. It is "cannot tell" if a run
    halted or its number is not finite: that number will never come.
    """
    seeds = {run.seed for run in runs}
    pending = {run.seed for run in runs if not run.is_over}
    return NOT_YET if pending and n == len(seeds - pending) else CANNOT_TELL

"""Durations in another unit."""

from typing import TYPE_CHECKING

from log_anneal import _check, _tree
from log_anneal._cycle import simplest_fraction
from log_anneal._numeric import MAX_STEP

if TYPE_CHECKING:
    from log_anneal._schedule import Schedule


def stretched(schedule: "Schedule", factor: float) -> dict[str, int]:
    """The durations that a schedule was given, by name, each times `factor`."""
    _check.known("factor", factor)
    factor = _check.number("factor", factor)
    if not 0 < factor <= MAX_STEP:
        raise ValueError(
            f"`factor` must be above 0 and below 2^31, got {_check.shown(factor)}. "
            "Take the number of steps in an epoch, for example."
        )
    whole = {}
    for name, steps in _tree.given(schedule).items():
        if name.endswith("_steps") and steps is not None:
            exact = _check.steps(name, steps, 0) * simplest_fraction(float(factor))
            if exact.denominator != 1 or exact > MAX_STEP:
                way_out = "a smaller factor" if exact > MAX_STEP else "a factor that divides it"
                raise ValueError(
                    f"`{name}` must stay a whole number of steps below 2^31, got {float(exact)} "
                    f"by `stretch({factor})`. Take {way_out}."
                )
            whole[name] = int(exact)
    return whole

"""Parts one after the other, some of which may have no steps."""

from collections.abc import Sequence

from log_anneal._compose.chain import ChainSchedule
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.decay import PolynomialSchedule


def joined(parts: Sequence[tuple[Schedule, int]], last: Schedule) -> Schedule:
    """Puts parts one after the other, and leaves out those without steps.

    Args:
      parts: each but the last, and its number of steps.
      last: what follows, from its own step 0.
    """
    kept = [(part, steps) for part, steps in parts if steps]
    if not kept:
        return last
    return ChainSchedule(
        parts=[*(part for part, _ in kept), last], part_steps=[steps for _, steps in kept]
    )


def line(start: float, end: float, steps: int) -> Schedule:
    """Makes a straight line of at least one step."""
    return PolynomialSchedule(init_value=start, end_value=end, decay_steps=max(steps, 1))

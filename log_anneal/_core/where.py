"""The place of a step in the cycles of a schedule."""

from typing import NamedTuple

import numpy as np

from log_anneal._core.check import whole_steps
from log_anneal._core.schedule import Schedule
from log_anneal._core.steps import MAX_STEP
from log_anneal._core.tree import refuse_stack


class WhereIn(NamedTuple):
    """The place of a step; see `where_in`."""

    cycle: int
    """The cycle, counted from 0; a warm-up and the first decay are cycle 0."""
    elapsed: int
    """Whole steps since the cycle's first step."""
    length: int | None
    """Whole steps in the cycle; None where it has no end."""


def where_in(schedule: Schedule, step: int) -> WhereIn:
    """Finds the cycle of a step, on the host, without JAX.

    A step before the start counts as step 0. After the last cycle, the elapsed steps pass its
    length. The cycle of a chain is the part, and the cycle of a loop is the turn. A shifted
    schedule is where its part is. Of two schedules put together, the first that restarts counts; if
    none does, cycle 0 is as long as the two together.

    Args:
      schedule: a single schedule, not a stack.
      step: a whole number.

    Returns:
      `(cycle, elapsed, length)`, the latter two in whole steps.

    Raises:
      TypeError: the step is no whole number.
      ValueError: it is a stack of schedules.

    Example:
      >>> from log_anneal import cyclical_cosine_schedule
      >>> schedule = cyclical_cosine_schedule(
      ...     peak_value=0.1, end_value=0.0, decay_steps=10, restart_steps=20)
      >>> where_in(schedule, 35)
      WhereIn(cycle=2, elapsed=5, length=20)
    """
    if isinstance(step, bool) or not isinstance(step, (int, np.integer)):
        if np.ndim(step):
            raise TypeError(f"`step` must be a whole number, got {step!r}. Ask for each by itself.")
        step = whole_steps(step)
    refuse_stack(schedule)
    return WhereIn(*schedule._on_host._where(min(max(int(step), 0), MAX_STEP)))

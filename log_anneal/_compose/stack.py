"""Several schedules as one pytree, for `jax.vmap`."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from log_anneal._compose.part import stacked
from log_anneal._core.schedule import Schedule


def stack(schedules: Sequence[Schedule]) -> Schedule:
    """Stacks schedules of one class and form: the leaves get a further dimension, in front.

    `jax.vmap` takes the stack apart again: inside, each is a schedule as it was.

    Args:
      schedules: at least one, all of one class, with the same options and the same optional parts.

    Returns:
      The stack. It cannot be called itself.

    Raises:
      ValueError: there is none, they differ in class or form, or their tables in size.

    Example:
      >>> import jax
      >>> from log_anneal import polynomial_schedule
      >>> several = stack([
      ...     polynomial_schedule(init_value=value, end_value=0.0, decay_steps=10)
      ...     for value in (2.0, 1.0)])
      >>> jax.vmap(lambda schedule: schedule(5))(several).tolist()
      [1.0, 0.5]
    """
    if not isinstance(schedules, Sequence) or not schedules:
        raise ValueError(
            f"`schedules` must be a sequence of at least one schedule, got {schedules!r}. "
            "Give a list."
        )
    first = schedules[0]
    for position, each in enumerate(schedules):
        if not isinstance(each, Schedule):
            raise ValueError(
                f"`schedules[{position}]` must be a schedule, got {each!r}. Make data of a "
                "function by `tabulated_schedule(function, num_steps=...)`."
            )
        trees: list[Any] = [jax.tree.structure(schedule) for schedule in (first, each)]
        if trees[0] != trees[1]:
            raise ValueError(
                f"`schedules[{position}]` must have the class, the options and the optional parts "
                f"of the first, {first!r}, got {each!r}. Stack the others by themselves."
            )
        shapes = [list(map(np.shape, jax.tree.leaves(schedule))) for schedule in (first, each)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"`schedules[{position}]` must have tables as large as those of the first, got "
                f"{each!r}. Stack those of one size by themselves."
            )
    several: Schedule = stacked(schedules)
    return several

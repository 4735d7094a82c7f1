"""A schedule of whole numbers, for what counts."""

from typing import Any, Protocol

import jax
import jax.numpy as jnp

from log_anneal._compose.function import as_schedule
from log_anneal._core.backend import MAX_STEP


class WholeSchedule(Protocol):
    """A function of the step whose values are whole numbers."""

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        """Returns int32 for one step or an array of steps."""


def as_whole(schedule: Any) -> WholeSchedule:
    """Rounds a schedule to whole numbers: returns a function of the step that gives int32.

    Optax takes one where it counts: as `every_k_schedule` of `optax.MultiSteps`, for example. A
    value between two whole numbers becomes the nearer one, a half the larger one.

    Args:
      schedule: a schedule, a function of the step or a number.

    Returns:
      A function: steps of any shape in, int32 of that shape out. It is no schedule of this library,
      whose values are real.

    Example:
      >>> import optax
      >>> from log_anneal import chain
      >>> batches = as_whole(chain([(1, 1000), (2, 1000), 4]))
      >>> batches(1000).item()
      2
      >>> optimizer = optax.MultiSteps(optax.sgd(0.1), every_k_schedule=batches)
    """
    real = as_schedule("schedule", schedule)

    def whole(step: jax.typing.ArrayLike) -> jax.Array:
        nearest = jnp.floor(real(step) + 0.5)  # float32 holds no int32 above 2^31 - 128
        return jnp.clip(nearest, -float(MAX_STEP - 127), float(MAX_STEP - 127)).astype(jnp.int32)

    return whole

"""The guard: when a step has gone wrong, and what to say about it."""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from train.config import Halt
from train.engine.state import TrainState


def is_bad(halt: Halt, state: TrainState, loss: jax.Array, *others: jax.Array) -> jax.Array:
    """Whether a step must not be made: bool, a scalar, on the device.

    That is so when `loss > threshold` after the grace (Naveen 2024, equation 5), and when a number
    is not finite: batch norm and relu can hide a NaN from the loss, but not from the gradient.

    Args:
      halt: the knobs.
      state: before the step.
      loss: cross-entropy of the step's batch, in nats.
      *others: scalars that must be finite too: norms of the gradient and the update, the rate.
    """
    bad = ~jnp.isfinite(jnp.stack([loss, *others])).all()
    if halt.threshold is not None:
        bad |= (loss > halt.threshold) & (state.step >= state.watch_from)
    return bad


def watch_from(halt: Halt, step: int, steps_per_epoch: int) -> int:
    """The step at which the grace ends that begins at `step`."""
    return step + halt.grace_epochs * steps_per_epoch


def why(halt: Halt, metrics: Mapping[str, np.ndarray]) -> str | None:
    """A sentence on the first step of a chunk that was not made, None where all were.

    Args:
      halt: the knobs.
      metrics: of the chunk's steps, [steps] each, as `train.engine.step` gives them.
    """
    if not metrics["halted"].any():
        return None
    first = int(metrics["halted"].argmax())
    for name in ("loss", "grad_norm", "update_norm", "learning_rate"):
        value = float(metrics[name][first])
        if not math.isfinite(value):
            return f"its {name} was {value}"
    return f"its loss was {metrics['loss'][first]:.4g}, above the threshold of {halt.threshold}"

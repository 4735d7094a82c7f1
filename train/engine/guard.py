"""The guard: it decides whether a step has gone wrong, and says why."""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from train.config import Halt
from train.engine.state import TrainState


def is_bad(halt: Halt, state: TrainState, loss: jax.Array, *others: jax.Array) -> jax.Array:
    """Tells whether a step must not be made: bool, a scalar, on the device.

    It must not if `loss > threshold` after the grace (Naveen 2024, equation 5), or if a number is
    not finite. The loss alone is not enough: batch norm and ReLU can hide a NaN from it, but not
    from the gradient.

    Args:
      halt: the knobs.
      state: the state before the step.
      loss: the cross-entropy of the step's batch, in nats.
      *others: scalars that must be finite too: the norms of the gradient and the update, the rate.
    """
    bad = ~jnp.isfinite(jnp.stack([loss, *others])).all()
    if halt.threshold is not None:
        bad |= (loss > halt.threshold) & (state.step >= state.watch_from)
    return bad


def watch_from(halt: Halt, step: int, steps_per_epoch: int) -> int:
    """Returns the step at which a grace that begins at `step` ends."""
    return step + halt.grace_epochs * steps_per_epoch


def why(halt: Halt, metrics: Mapping[str, np.ndarray]) -> str | None:
    """Says why the first step of a chunk that failed was not made; None if all were made.

    Args:
      halt: the knobs.
      metrics: the metrics of the chunk's steps, [steps] each, as `train.engine.step` gives them.
    """
    if not metrics["halted"].any():
        return None
    first = int(metrics["halted"].argmax())
    for name in ("loss", "grad_norm", "update_norm", "learning_rate"):
        value = float(metrics[name][first])
        if not math.isfinite(value):
            return f"its {name} was {value}"
    return f"its loss was {metrics['loss'][first]:.4g}, above the threshold of {halt.threshold}"

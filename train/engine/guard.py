"""The guard: it decides whether a step has gone wrong, and says why."""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from train.config import Halt
from train.engine.state import TrainState
from train.errors import Reason

_NEAR = 1.5  # times the loss of a guess
_LEAST = 4.5
"""The threshold of Naveen 2024, which had 10 classes. For fewer it is far above a guess, too."""


def threshold(halt: Halt, num_classes: int) -> float | None:
    """Returns the loss above which a step stops the run, in nats; None: no loss does.

    By itself it is twice the loss of a guess among all classes, ln(classes). A network that has
    learnt nothing is near that loss, so that a threshold below it would stop a sound run.
    """
    if halt.threshold == "auto":
        return max(_LEAST, 2 * math.log(num_classes))
    return halt.threshold


def is_bad(
    threshold: float | None, state: TrainState, loss: jax.Array, *others: jax.Array
) -> jax.Array:
    """Tells whether a step must not be made: bool, a scalar, on the device.

    It must not if `loss > threshold` after the grace (Naveen 2024, equation 5), or if a number is
    not finite. The loss alone is not enough: batch norm and ReLU can hide a NaN from it, but not
    from the gradient.

    Args:
      threshold: as `threshold` gives it.
      state: the state before the step.
      loss: the cross-entropy of the step's batch, in nats.
      *others: scalars that must be finite too: the norms of the gradient and the update, the rate.
    """
    bad = ~jnp.isfinite(jnp.stack([loss, *others])).all()
    if threshold is not None:
        bad |= (loss > threshold) & (state.step >= state.watch_from)
    return bad


def watch_from(halt: Halt, step: int, steps_per_epoch: int) -> int:
    """Returns the step at which a grace that begins at `step` ends."""
    return step + halt.grace_epochs * steps_per_epoch


def why(
    threshold: float | None, metrics: Mapping[str, np.ndarray], num_classes: int
) -> Reason | None:
    """Says why the first step of a chunk that failed was not made; None if all were made.

    Args:
      threshold: as `threshold` gives it.
      metrics: the metrics of the chunk's steps, [steps] each, as `train.engine.step` gives them.
      num_classes: the number of classes.
    """
    if not metrics["halted"].any():
        return None
    first = int(metrics["halted"].argmax())
    for name in ("loss", "grad_norm", "update_norm", "learning_rate"):
        value = float(metrics[name][first])
        if not math.isfinite(value):
            return Reason(f"its {name} was {value}", is_threshold=False)
    assert threshold is not None
    said = f"its loss was {metrics['loss'][first]:.4g}, above the threshold of {threshold:.4g}"
    guess = math.log(num_classes)
    if threshold < _NEAR * guess:
        place = "below" if threshold < guess else "near"
        said += f", which is {place} the {guess:.3g} of a guess among {num_classes} classes"
    return Reason(said, is_threshold=True)

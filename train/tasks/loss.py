"""The loss, from logits and labels."""

from typing import Literal

import jax
import optax

Head = Literal["softmax", "sigmoid"]


def log_probabilities(logits: jax.Array, head: Head) -> jax.Array:
    """Returns the logarithms of the classes' probabilities.

    softmax: `log(e^z_i / sum_j e^z_j)`. sigmoid: `log(s(z_i) / sum_j s(z_j))`, where s is the
    logistic function. The latter is the paper's sigmoid output (Naveen 2024, section 2.1) under a
    categorical cross-entropy, which divides its inputs by their sum.

    Args:
      logits: float32, [..., classes].
      head: how logits become probabilities.
    """
    return jax.nn.log_softmax(jax.nn.log_sigmoid(logits) if head == "sigmoid" else logits)


def cross_entropy(
    log_probabilities: jax.Array, labels: jax.Array, label_smoothing: float = 0.0
) -> jax.Array:
    """Returns the cross-entropy `-sum_i t_i log p_i` of each image, in nats.

    The target t is 1 for the label, and `label_smoothing` of this is spread over all classes.

    Args:
      log_probabilities: float32, [b, classes].
      labels: int32, [b].
      label_smoothing: in [0, 1).

    Returns:
      float32, [b].
    """
    targets = jax.nn.one_hot(labels, log_probabilities.shape[-1])
    targets = optax.smooth_labels(targets, label_smoothing)
    return -(targets * log_probabilities).sum(-1)

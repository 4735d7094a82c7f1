"""A network of dense layers, for numbers that have no neighbours."""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from train.models._layers import Layers
from train.models.model import Model, Normal, functional


class Dense(nnx.Module):
    """Hidden layers with GELU, and a linear layer. Kernels have the variance `1 / fan_in`."""

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int, *, layers: Layers) -> None:
        sizes = [inputs, *hidden]
        self.hidden = nnx.List(
            [
                layers.linear(fan_in, fan_out, stddev=fan_in**-0.5)
                for fan_in, fan_out in itertools.pairwise(sizes)
            ]
        )
        self.last = layers.linear(sizes[-1], outputs, stddev=sizes[-1] ** -0.5)

    def __call__(self, x: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps [b, inputs] to [b, outputs]. The typed keys, [b], are not used."""
        for layer in self.hidden:
            x = nnx.gelu(layer(x))
        return self.last(x)


def dense(inputs: int, hidden: Sequence[int], outputs: int) -> Model:
    """Returns a network of dense layers, in float32.

    Args:
      inputs: how many numbers it takes.
      hidden: the widths of its hidden layers.
      outputs: how many numbers it gives.
    """

    def make(normal: Normal) -> Dense:
        layers = Layers(normal, jnp.dtype("float32"), None)
        return Dense(inputs, hidden, outputs, layers=layers)

    return functional(make, average_batch_stats_over=None)

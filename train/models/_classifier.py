"""The classifier, which turns a network's features into logits."""

from dataclasses import replace

import jax
import jax.numpy as jnp
from flax import nnx

from train.models._layers import Layers, Network


class Classifier(nnx.Module):
    """A whole network: it resizes images, takes their features, and gives logits in float32.

    Images are resized bilinearly, if they have another size. Dropout acts on the features. The last
    layer's kernel is normal with a standard deviation of 0.01, and its bias is zero (Goyal et al.
    2017, section 5.1), so that training starts near a loss of ln(num_classes).
    """

    def __init__(
        self,
        network: Network,
        num_classes: int,
        *,
        image_size: int,
        dropout: float,
        layers: Layers,
    ) -> None:
        self.image_size = image_size
        self.network = network
        self.dropout = layers.dropout(dropout)
        self.head = replace(layers, dtype=jnp.float32).linear(
            network.num_features, num_classes, stddev=0.01
        )

    def __call__(self, images: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps images [b, h, w, 3] and typed keys [b] to logits, float32 [b, num_classes]."""
        shape = (len(images), self.image_size, self.image_size, 3)
        if images.shape != shape:
            images = jax.image.resize(images, shape, "bilinear")
        return self.head(self.dropout(self.network(images, keys), keys))

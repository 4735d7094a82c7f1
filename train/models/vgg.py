"""VGG: 3x3 convolutions and 2x2 maxima.

At 224 pixels it is the published network, with two hidden layers of 4,096 before the classifier.
At 32 pixels the five poolings leave one pixel of 512 features. There the hidden layers, which hold
nine tenths of the published parameters, are left out, as is usual.

Batch norm follows every convolution. Without it (`batch_norm="none"`, as published) the
convolutions have biases. The hidden layers' kernels have a standard deviation of 0.01, as in
torchvision. The paper starts the deep networks from a shallow one that it has trained. With He's
variance of the convolutions this is not needed (He et al. 2015, section 2.2).

Parameters with 1,000 classes at 224 pixels, without batch norm: VGG-11 132,863,336, VGG-16
138,357,544, VGG-19 143,667,240. With 10 classes at 32 pixels, VGG-16 has 14,719,818.

Reference: Simonyan and Zisserman 2015, arXiv 1409.1556, table 1 (columns A, D, E) and table 2.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from train.models._layers import ConvRelu, Layers, Network
from train.models._pool import max_pool


@dataclass(frozen=True)
class VGGShape:
    """The sizes by which one VGG differs from another."""

    depths: tuple[int, ...]
    """The number of convolutions in each stage."""
    width: int = 64
    """The channels of the first stage."""
    multiples: tuple[int, ...] = (1, 2, 4, 8, 8)
    """The channels of each stage, in widths."""


VGG11 = VGGShape((1, 1, 2, 2, 2))
VGG16 = VGGShape((2, 2, 3, 3, 3))
VGG19 = VGGShape((2, 2, 4, 4, 4))


class VGG(Network):
    """Stages of convolutions, each with a pooling at its end; at 224 pixels two hidden layers."""

    def __init__(self, shape: VGGShape, *, image_size: int, dropout: float, layers: Layers) -> None:
        self.stages = nnx.List[nnx.List[ConvRelu]]()
        features = 3
        for depth, multiple in zip(shape.depths, shape.multiples, strict=True):
            stage = nnx.List[ConvRelu]()
            for _ in range(depth):
                stage.append(layers.conv_relu(features, multiple * shape.width))
                features = multiple * shape.width
            self.stages.append(stage)
        self.has_hidden = image_size == 224
        if self.has_hidden:
            hidden = 64 * shape.width
            self.hidden1 = layers.linear(7 * 7 * features, hidden, stddev=0.01)
            self.dropout = layers.dropout(dropout)
            self.hidden2 = layers.linear(hidden, hidden, stddev=0.01)
            features = hidden
        self.num_features = features

    def __call__(self, images: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps images [b, h, w, 3] and keys [b] to features, float32 [b, num_features]."""
        x = images
        for stage in self.stages:
            for conv in stage:
                x = conv(x)
            x = max_pool(x, window=2, stride=2)
        if not self.has_hidden:
            return jnp.mean(x, axis=(1, 2), dtype=jnp.float32)
        x = nnx.relu(self.hidden1(x.reshape(len(x), -1)))
        x = nnx.relu(self.hidden2(self.dropout(x, keys)))
        return x.astype(jnp.float32)

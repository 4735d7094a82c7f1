"""DenseNet for images of 32 pixels: each layer sees the outputs of all earlier layers of its block.

There are three blocks, at 32, 16 and 8 pixels. A layer is batch norm, ReLU and a 3x3 convolution of
k channels. With a bottleneck (DenseNet-B), batch norm, ReLU and a 1x1 convolution of 4 k channels
come before it. A transition between blocks is batch norm, ReLU, a 1x1 convolution and a 2x2 mean;
where the network compresses (DenseNet-C), this convolution halves the channels.

We leave out the paper's dropout of 0.2 in every layer, which it uses to train without augmentation.

The gradient needs every layer's inputs, and what batch norm makes of them. So the memory grows with
the square of a block's depth.

Parameters with 10 classes: DenseNet-BC with k = 12 and 100 layers 769,162; DenseNet with k = 12
and 40 layers 1,019,722.

Reference: Huang et al. 2017, arXiv 1608.06993, section 3 and table 2.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from train.models._layers import Layers, Network, scaled
from train.models._pool import mean_pool


@dataclass(frozen=True)
class DenseNetShape:
    """The sizes by which one DenseNet differs from another."""

    depths: tuple[int, ...]
    """The number of layers in each block."""
    width: int
    """The channels of the first convolution."""
    growth: int
    """The channels that each layer adds, for this width: k in the paper."""
    is_bc: bool
    """Whether the layers have bottlenecks, and the transitions halve the channels."""


DENSENET40 = DenseNetShape((12, 12, 12), width=16, growth=12, is_bc=False)
DENSENET100 = DenseNetShape((16, 16, 16), width=24, growth=12, is_bc=True)
DENSENET_SMALL = DenseNetShape((2, 2, 2), width=16, growth=8, is_bc=True)


class DenseNet(Network):
    """A convolution, blocks with transitions between them, and the mean over the pixels."""

    def __init__(self, shape: DenseNetShape, *, width: int, layers: Layers) -> None:
        growth, features = scaled(shape.growth, width, shape.width), width
        self.conv = layers.conv(3, features)
        self.blocks = nnx.List[nnx.List[_Layer]]()
        self.transitions = nnx.List[_Transition]()
        for place, depth in enumerate(shape.depths):
            if place > 0:
                outputs = features // 2 if shape.is_bc else features
                self.transitions.append(_Transition(features, outputs, layers=layers))
                features = outputs
            block = nnx.List[_Layer]()
            for _ in range(depth):
                block.append(_Layer(features, growth, has_bottleneck=shape.is_bc, layers=layers))
                features += growth
            self.blocks.append(block)
        self.norm = layers.batch_norm(features)
        self.num_features = features

    def __call__(self, images: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps images [b, h, w, 3] to features, float32 [b, num_features]."""
        x = self.conv(images)
        for place, block in enumerate(self.blocks):
            if place > 0:
                x = self.transitions[place - 1](x)
            for layer in block:
                x = jnp.concatenate([x, layer(x)], axis=-1)
        return jnp.mean(nnx.relu(self.norm(x)), axis=(1, 2), dtype=jnp.float32)


class _Layer(nnx.Module):
    """A layer, which makes the k channels that are added to its inputs."""

    def __init__(self, inputs: int, growth: int, *, has_bottleneck: bool, layers: Layers) -> None:
        self.norm1 = layers.batch_norm(inputs)
        self.conv1 = layers.conv(inputs, 4 * growth, kernel=1) if has_bottleneck else None
        self.norm2 = layers.batch_norm(4 * growth) if has_bottleneck else None
        self.conv2 = layers.conv(4 * growth if has_bottleneck else inputs, growth)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.norm1(x))
        if self.conv1 is not None and self.norm2 is not None:
            x = nnx.relu(self.norm2(self.conv1(x)))
        return self.conv2(x)


class _Transition(nnx.Module):
    """A transition: it halves the pixels to each side, and may reduce the channels."""

    def __init__(self, inputs: int, outputs: int, *, layers: Layers) -> None:
        self.norm = layers.batch_norm(inputs)
        self.conv = layers.conv(inputs, outputs, kernel=1)

    def __call__(self, x: jax.Array) -> jax.Array:
        return mean_pool(self.conv(nnx.relu(self.norm(x))), window=2)

"""GoogLeNet, the first Inception network.

At 224 pixels its layers are the published ones. At 32 pixels the first convolution is 3x3 of
stride 1 instead of 7x7 of stride 2, and the two poolings of the stem are left out. So the Inception
modules see 32, 16 and 8 pixels.

It differs from the paper in two points. Batch norm follows every convolution and replaces the local
response normalisation; with `batch_norm="none"` there is neither. The two auxiliary classifiers,
which the paper removes after training, are left out.

With 1,000 classes at 224 pixels and without batch norm there are 6,998,552 parameters, as in
Caffe's network. Caffe's has 13,378,280 with the auxiliary classifiers, 3.2 million in each.
Torchvision's has 6,624,904, since it has a 3x3 convolution where the paper has a 5x5 one. With 10
classes at 32 pixels there are 6 million. None of these has the 4 million of Naveen 2024, a number
that is often repeated.

Reference: Szegedy et al. 2014, arXiv 1409.4842, table 1 and figure 2b.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from train.models._layers import Layers, Network, scaled
from train.models._pool import max_pool


@dataclass(frozen=True)
class Inception:
    """The channels of one module's convolutions, as in the columns of the paper's table 1."""

    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int


@dataclass(frozen=True)
class GoogLeNetShape:
    """The sizes by which one GoogLeNet differs from another."""

    stages: tuple[tuple[Inception, ...], ...]
    """The modules of each stage. There is a pooling between two stages."""
    width: int = 64
    """The channels of the stem. The numbers in the modules are for 64."""


GOOGLENET = GoogLeNetShape(
    (
        (Inception(64, 96, 128, 16, 32, 32), Inception(128, 128, 192, 32, 96, 64)),
        (
            Inception(192, 96, 208, 16, 48, 64),
            Inception(160, 112, 224, 24, 64, 64),
            Inception(128, 128, 256, 24, 64, 64),
            Inception(112, 144, 288, 32, 64, 64),
            Inception(256, 160, 320, 32, 128, 128),
        ),
        (Inception(256, 160, 320, 32, 128, 128), Inception(384, 192, 384, 48, 128, 128)),
    )
)
GOOGLENET_SMALL = GoogLeNetShape(tuple(stage[:1] for stage in GOOGLENET.stages), width=16)


class GoogLeNet(Network):
    """A stem, stages of Inception modules, and the mean over the pixels."""

    def __init__(self, shape: GoogLeNetShape, *, image_size: int, layers: Layers) -> None:
        width = shape.width
        self.is_published = image_size == 224
        kernel, stride = (7, 2) if self.is_published else (3, 1)
        self.conv1 = layers.conv_relu(3, width, kernel=kernel, stride=stride)
        self.conv2 = layers.conv_relu(width, width, kernel=1)
        self.conv3 = layers.conv_relu(width, 3 * width)
        features = 3 * width
        self.stages = nnx.List[nnx.List[_Inception]]()
        for channels_of_stage in shape.stages:
            stage = nnx.List[_Inception]()
            for channels in channels_of_stage:
                stage.append(_Inception(features, channels, width=width, layers=layers))
                features = stage[-1].num_features
            self.stages.append(stage)
        self.num_features = features

    def __call__(self, images: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps images [b, h, w, 3] to features, float32 [b, num_features]."""
        x = self.conv1(images)
        if self.is_published:
            x = max_pool(x, window=3, stride=2)
        x = self.conv3(self.conv2(x))
        if self.is_published:
            x = max_pool(x, window=3, stride=2)
        for place, stage in enumerate(self.stages):
            if place > 0:
                x = max_pool(x, window=3, stride=2)
            for module in stage:
                x = module(x)
        return jnp.mean(x, axis=(1, 2), dtype=jnp.float32)


class _Inception(nnx.Module):
    """Convolutions of 1x1, 3x3 and 5x5 and a pooling, side by side."""

    def __init__(self, inputs: int, channels: Inception, *, width: int, layers: Layers) -> None:
        def conv(inputs: int, outputs: int, kernel: int) -> nnx.Module:
            return layers.conv_relu(inputs, outputs, kernel=kernel)

        one, three_reduce, three, five_reduce, five, pool = (
            scaled(number, width, 64)
            for number in (
                channels.one,
                channels.three_reduce,
                channels.three,
                channels.five_reduce,
                channels.five,
                channels.pool,
            )
        )
        self.num_features = one + three + five + pool
        self.one = conv(inputs, one, 1)
        self.three_reduce, self.three = conv(inputs, three_reduce, 1), conv(three_reduce, three, 3)
        self.five_reduce, self.five = conv(inputs, five_reduce, 1), conv(five_reduce, five, 5)
        self.pool = conv(inputs, pool, 1)

    def __call__(self, x: jax.Array) -> jax.Array:
        branches = [
            self.one(x),
            self.three(self.three_reduce(x)),
            self.five(self.five_reduce(x)),
            self.pool(max_pool(x, window=3, stride=1)),
        ]
        return jnp.concatenate(branches, axis=-1)

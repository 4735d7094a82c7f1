"""Residual networks.

At 32 pixels the stem is a 3x3 convolution without pooling, as is usual at this size. At 224 pixels
it is a 7x7 convolution of stride 2, and then a 3x3 maximum of stride 2. The stride of a bottleneck
is that of its 3x3 convolution, as in torchvision. Batch norm follows every convolution.

Where the shape changes, a shortcut is projected (option B). In the networks made for CIFAR it takes
every other pixel instead, and adds channels of zeros (option A).

References:
    He et al. 2016, arXiv 1512.03385, table 1 and section 4.2.
    Goyal et al. 2017, arXiv 1706.02677, section 5.1: the residual branches start at zero.
    Huang et al. 2016, arXiv 1603.09382: stochastic depth.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx

from train.models._layers import Layers, Network
from train.models._pool import max_pool

_ShortcutKind: TypeAlias = Literal["projection", "padding"]


@dataclass(frozen=True)
class ResNetShape:
    """The sizes by which one residual network differs from another."""

    block: Literal["basic", "bottleneck"]
    depths: tuple[int, ...]
    """The number of blocks in each stage."""
    width: int = 64
    """The channels of the stem."""
    multiples: tuple[int, ...] = (1, 2, 4, 8)
    """The channels of each stage's 3x3 convolutions, in widths."""
    strides: tuple[int, ...] = (1, 2, 2, 2)
    """The stride of each stage's first block."""
    stem_kernel: int = 3
    stem_stride: int = 1
    stem_pool: bool = False
    shortcut: _ShortcutKind = "projection"
    """The kind of shortcut where the shape changes."""
    last_survival: float = 1.0
    """The probability that the last block's branch is kept. Earlier blocks lie between it and 1."""


RESNET_SMALL = ResNetShape("basic", (1, 1, 1), 32, (1, 2, 4), (1, 2, 2), stem_stride=2)
RESNET18 = ResNetShape("basic", (2, 2, 2, 2))
RESNET34 = ResNetShape("basic", (3, 4, 6, 3))
RESNET50 = ResNetShape("bottleneck", (3, 4, 6, 3))
RESNET20 = ResNetShape("basic", (3, 3, 3), 16, (1, 2, 4), (1, 2, 2), shortcut="padding")
RESNET110 = replace(RESNET20, depths=(18, 18, 18))
STOCHASTIC20 = replace(RESNET20, last_survival=0.5)
STOCHASTIC110 = replace(RESNET110, last_survival=0.5)


def at_224(shape: ResNetShape) -> ResNetShape:
    """Returns the network with the stem for images of 224 pixels."""
    return replace(shape, stem_kernel=7, stem_stride=2, stem_pool=True)


class ResNet(Network):
    """A stem, stages of residual blocks, and the mean over the pixels."""

    def __init__(self, shape: ResNetShape, *, zero_init_residual: bool, layers: Layers) -> None:
        block: type[_Basic | _Bottleneck] = _Basic if shape.block == "basic" else _Bottleneck
        last_scale = 0.0 if zero_init_residual else 1.0
        features = shape.width
        self.conv = layers.conv(3, features, kernel=shape.stem_kernel, stride=shape.stem_stride)
        self.norm = layers.batch_norm(features)
        self.has_pool = shape.stem_pool
        self.blocks = nnx.List[_Basic | _Bottleneck]()

        stages = zip(shape.depths, shape.multiples, shape.strides, strict=True)
        for depth, multiple, stride in stages:
            width = multiple * shape.width
            for stride_of_block in [stride] + [1] * (depth - 1):
                self.blocks.append(
                    block(
                        features,
                        width,
                        stride_of_block,
                        shortcut=shape.shortcut,
                        last_scale=last_scale,
                        layers=layers,
                    )
                )
                features = block.expansion * width

        self.num_features = features
        self.depth = (
            layers.stochastic_depth(len(self.blocks), shape.last_survival)
            if shape.last_survival < 1
            else None
        )

    def __call__(self, images: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps images [b, h, w, 3] and keys [b] to features, float32 [b, num_features]."""
        x = nnx.relu(self.norm(self.conv(images)))
        if self.has_pool:
            x = max_pool(x, window=3, stride=2)
        factors = [None] * len(self.blocks) if self.depth is None else self.depth(keys)
        for block, factor in zip(self.blocks, factors, strict=True):
            x = block(x, factor)
        return jnp.mean(x, axis=(1, 2), dtype=jnp.float32)


class _Basic(nnx.Module):
    """A block of two 3x3 convolutions."""

    expansion: ClassVar[int] = 1

    def __init__(
        self,
        inputs: int,
        width: int,
        stride: int,
        *,
        shortcut: _ShortcutKind,
        last_scale: float,
        layers: Layers,
    ) -> None:
        self.conv1 = layers.conv(inputs, width, stride=stride)
        self.norm1 = layers.batch_norm(width)
        self.conv2 = layers.conv(width, width)
        self.norm2 = layers.batch_norm(width, scale=last_scale)
        self.shortcut = _Shortcut(shortcut, inputs, width, stride, layers=layers)

    def __call__(self, x: jax.Array, factor: jax.Array | None) -> jax.Array:
        y = nnx.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return nnx.relu(self.shortcut(x) + _times(y, factor))


class _Bottleneck(nnx.Module):
    """A block of a 1x1, a 3x3 and a 1x1 convolution."""

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        inputs: int,
        width: int,
        stride: int,
        *,
        shortcut: _ShortcutKind,
        last_scale: float,
        layers: Layers,
    ) -> None:
        outputs = self.expansion * width
        self.conv1 = layers.conv(inputs, width, kernel=1)
        self.norm1 = layers.batch_norm(width)
        self.conv2 = layers.conv(width, width, stride=stride)
        self.norm2 = layers.batch_norm(width)
        self.conv3 = layers.conv(width, outputs, kernel=1)
        self.norm3 = layers.batch_norm(outputs, scale=last_scale)
        self.shortcut = _Shortcut(shortcut, inputs, outputs, stride, layers=layers)

    def __call__(self, x: jax.Array, factor: jax.Array | None) -> jax.Array:
        y = nnx.relu(self.norm1(self.conv1(x)))
        y = nnx.relu(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return nnx.relu(self.shortcut(x) + _times(y, factor))


class _Shortcut(nnx.Module):
    """The identity. Where the shape changes, it is a 1x1 convolution or padding with zeros."""

    def __init__(
        self, kind: _ShortcutKind, inputs: int, outputs: int, stride: int, *, layers: Layers
    ) -> None:
        self.is_identity = stride == 1 and inputs == outputs
        self.is_padded = kind == "padding"
        self.stride, self.added = stride, outputs - inputs
        if not (self.is_identity or self.is_padded):
            self.conv = layers.conv(inputs, outputs, kernel=1, stride=stride)
            self.norm = layers.batch_norm(outputs)

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.is_identity:
            return x
        if self.is_padded:
            x = x[:, :: self.stride, :: self.stride]
            return jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, self.added)))
        return self.norm(self.conv(x))


def _times(y: jax.Array, factor: jax.Array | None) -> jax.Array:
    return y if factor is None else y * factor.astype(y.dtype)

"""Xception: depthwise separable convolutions with residual connections.

At 224 pixels the layers are the published ones, which were made for 299 pixels. At 32 pixels both
convolutions of the stem have stride 1, so that the blocks see 32, 16, 8, 4 and 2 pixels.

As in the paper, batch norm follows every convolution that is not depthwise, and nothing stands
between a depthwise convolution and its pointwise one. The stem's convolutions are padded here,
where Keras's are not.

A depthwise convolution is a sum of nine shifted products here. XLA:CPU runs the same as a
convolution with `feature_group_count` slowly: of 728 channels of 8x8 pixels, batch 32, the gradient
took 549 ms of CPU time against 47 (jax 0.10.2).

Parameters with 1,000 classes at 224 pixels: 22,855,952, and 22,910,480 with the batch statistics,
as Keras counts. With 10 classes at 32 pixels, 20.8 million.

Reference: Chollet 2017, arXiv 1610.02357, figure 5.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from train.models._layers import Layers, Network, scaled
from train.models._pool import max_pool


@dataclass(frozen=True)
class XceptionShape:
    """The sizes by which one Xception differs from another."""

    middle_blocks: int = 8
    width: int = 32
    """The channels of the first convolution. All other channels are published for 32."""


XCEPTION = XceptionShape()
XCEPTION_SMALL = XceptionShape(middle_blocks=1, width=8)


class Xception(Network):
    """The entry, middle and exit flow, and the mean over the pixels."""

    def __init__(self, shape: XceptionShape, *, image_size: int, layers: Layers) -> None:
        def channels(published: int) -> int:
            return scaled(published, shape.width, 32)

        features = channels(64)
        self.stem1 = layers.conv_relu(3, shape.width, stride=2 if image_size == 224 else 1)
        self.stem2 = layers.conv_relu(shape.width, features)
        blocks: list[tuple[tuple[int, ...], int]] = [
            ((128, 128), 2),
            ((256, 256), 2),
            ((728, 728), 2),
        ]
        blocks += [((728, 728, 728), 1)] * shape.middle_blocks
        blocks += [((728, 1024), 2)]
        self.blocks = nnx.List[_Block]()
        for published, stride in blocks:
            outputs = [channels(number) for number in published]
            self.blocks.append(_Block(features, outputs, stride, layers=layers))
            features = outputs[-1]
        self.last1 = _Separable(features, channels(1536), layers=layers)
        self.last2 = _Separable(channels(1536), channels(2048), layers=layers)
        self.num_features = channels(2048)

    def __call__(self, images: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps images [b, h, w, 3] to features, float32 [b, num_features]."""
        x = self.stem2(self.stem1(images))
        for block in self.blocks:
            x = block(x)
        x = nnx.relu(self.last2(nnx.relu(self.last1(x))))
        return jnp.mean(x, axis=(1, 2), dtype=jnp.float32)


class _Block(nnx.Module):
    """A block with a shortcut: ReLU and separable convolution by turns, and perhaps a pooling."""

    def __init__(self, inputs: int, outputs: Sequence[int], stride: int, *, layers: Layers) -> None:
        self.stride = stride
        self.convs = nnx.List[_Separable](
            _Separable(before, after, layers=layers)
            for before, after in zip([inputs, *outputs[:-1]], outputs, strict=True)
        )
        if stride > 1:
            self.conv = layers.conv(inputs, outputs[-1], kernel=1, stride=stride)
            self.norm = layers.batch_norm(outputs[-1])

    def __call__(self, x: jax.Array) -> jax.Array:
        y = x
        for conv in self.convs:
            y = conv(nnx.relu(y))
        if self.stride == 1:
            return x + y
        return self.norm(self.conv(x)) + max_pool(y, window=3, stride=self.stride)


class _Separable(nnx.Module):
    """A separable convolution: depthwise 3x3, then pointwise, then batch norm."""

    def __init__(self, inputs: int, outputs: int, *, layers: Layers) -> None:
        self.depthwise = _Depthwise(inputs, layers=layers)
        self.pointwise = layers.conv(inputs, outputs, kernel=1)
        self.norm = layers.batch_norm(outputs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.norm(self.pointwise(self.depthwise(x)))


class _Depthwise(nnx.Module):
    """A depthwise convolution. Its kernel's variance is `2 / fan_out`, and `fan_out` is 9."""

    def __init__(self, features: int, *, layers: Layers) -> None:
        self.kernel = nnx.Param(math.sqrt(2 / 9) * layers.normal((3, 3, 1, features)))

    def __call__(self, x: jax.Array) -> jax.Array:
        return depthwise(x, self.kernel[...])


def depthwise(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves each channel by itself: `y_ij = sum_mn k_mn x_(i + m - 1)(j + n - 1)`.

    Args:
      x: [b, h, w, c]. Beyond its edges there are zeros.
      kernel: float32, [3, 3, 1, c]. The sum is in float32.

    Returns:
      An array of x's shape and dtype.
    """
    _, h, w, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = jnp.zeros(x.shape, jnp.float32)
    for m in range(3):
        for n in range(3):
            y += kernel[m, n, 0] * padded[:, m : m + h, n : n + w]
    return y.astype(x.dtype)

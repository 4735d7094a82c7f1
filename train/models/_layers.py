"""Layers as the papers define them: float32 parameters, computation in a given dtype."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from train.models._conv import conv_general_dilated
from train.models._draws import Dropout, StochasticDepth


class Network(nnx.Module):
    """A network without its classifier: it maps images to features."""

    num_features: int

    def __call__(self, images: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps images [b, h, w, 3] to features, float32 [b, num_features].

        The typed keys [b] are for layers that draw in training. Evaluation does not use them.
        """
        raise NotImplementedError


class BatchNorm(nnx.Module):
    """Batch norm: `scale (x - mean) / sqrt(var + 1e-5) + bias`, in the dtype of x.

    In training, `mean` and `var` (the biased one, `E[x^2] - E[x]^2`) are those of the batch, over
    all devices of `axis_name` if it is given. They move the running ones by a tenth. In evaluation
    the running ones are used. All of it is computed in float32.

    It differs from `nnx.BatchNorm` in two points. One product and one sum apply it, which is faster
    on a CPU. The running statistics are not rounded to the dtype of the computation.

    Reference: Ioffe and Szegedy 2015, arXiv 1502.03167, algorithms 1 and 2.
    """

    def __init__(self, features: int, *, scale: float, axis_name: str | None) -> None:
        self.scale = nnx.Param(jnp.full(features, scale, jnp.float32))
        self.bias = nnx.Param(jnp.zeros(features, jnp.float32))
        self.mean = nnx.BatchStat(jnp.zeros(features, jnp.float32))
        self.var = nnx.BatchStat(jnp.ones(features, jnp.float32))
        self.axis_name = axis_name
        self.use_running_average = False  # `nnx.Module.eval` sets it by this name.

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps x [..., features] to the same shape and dtype."""
        if self.use_running_average:
            mean, var = self.mean[...], self.var[...]
        else:
            mean, var = self._batch_moments(x.astype(jnp.float32))
            self.mean[...] += 0.1 * (mean - self.mean[...])
            self.var[...] += 0.1 * (var - self.var[...])
        factor = self.scale[...] * jax.lax.rsqrt(var + 1e-5)
        return (x * factor + (self.bias[...] - mean * factor)).astype(x.dtype)

    def _batch_moments(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        axes = tuple(range(x.ndim - 1))
        moments = jnp.stack([x.mean(axes), jnp.square(x).mean(axes)])
        if self.axis_name is not None:
            moments = jax.lax.pmean(moments, self.axis_name)
        mean, mean_of_square = moments
        # Rounding can put the difference a little below zero.
        return mean, jnp.maximum(mean_of_square - jnp.square(mean), 0.0)


class ConvRelu(nnx.Module):
    """A convolution, batch norm if the network has it, and ReLU."""

    def __init__(self, conv: nnx.Conv, norm: BatchNorm | None) -> None:
        self.conv, self.norm = conv, norm

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps [b, h, w, inputs] to [b, h / stride, w / stride, outputs]."""
        x = self.conv(x)
        return nnx.relu(x if self.norm is None else self.norm(x))


@dataclass(frozen=True)
class Layers:
    """The maker of the layers of one network."""

    normal: Callable[[Sequence[int]], jax.Array]
    """The function that draws standard normal numbers of a shape, new ones at each call."""
    dtype: DTypeLike
    """The type of the numbers in the computation."""
    axis_name: str | None
    """The axis of devices over which batch norm takes its statistics; None: each takes its own."""
    has_batch_norm: bool = True
    """Whether `conv_relu` has batch norm. If not, its convolution has a bias."""
    streams: Iterator[int] = field(default_factory=itertools.count)
    """The numbers for layers that draw: each layer takes the next one."""
    unused_rngs: nnx.Rngs = field(default_factory=lambda: nnx.Rngs(0))

    def conv(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        use_bias: bool = False,
    ) -> nnx.Conv:
        """Makes a convolution [b, h, w, inputs] -> [b, h / stride, w / stride, outputs].

        The kernel's variance is `2 / fan_out` (He et al. 2015, arXiv 1502.01852, equation 14). A
        bias starts at zero.
        """
        return nnx.Conv(
            inputs,
            outputs,
            (kernel, kernel),
            strides=stride,
            padding=(kernel - 1) // 2,
            use_bias=use_bias,
            dtype=self.dtype,
            kernel_init=self._normal(math.sqrt(2 / (kernel * kernel * outputs))),
            conv_general_dilated=conv_general_dilated,
            rngs=self.unused_rngs,
        )

    def conv_relu(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> ConvRelu:
        """Makes a convolution as `conv` does, with batch norm (if the network has it) and ReLU."""
        conv = self.conv(
            inputs, outputs, kernel=kernel, stride=stride, use_bias=not self.has_batch_norm
        )
        return ConvRelu(conv, self.batch_norm(outputs) if self.has_batch_norm else None)

    def batch_norm(self, features: int, *, scale: float = 1.0) -> BatchNorm:
        """Makes batch norm of [..., features] with this initial scale and a bias of zero."""
        return BatchNorm(features, scale=scale, axis_name=self.axis_name)

    def layer_norm(self, features: int) -> nnx.LayerNorm:
        """Makes layer norm of [..., features]: scale 1, bias 0, statistics in float32."""
        return nnx.LayerNorm(features, dtype=self.dtype, rngs=self.unused_rngs)

    def linear(
        self, inputs: int, outputs: int, *, stddev: float | None = None, use_bias: bool = True
    ) -> nnx.Linear:
        """Makes a linear layer [..., inputs] -> [..., outputs] with a bias of zero.

        The kernel's variance is `stddev^2`, by default `2 / (fan_in + fan_out)` (Glorot and
        Bengio 2010, equation 12).
        """
        stddev = math.sqrt(2 / (inputs + outputs)) if stddev is None else stddev
        return nnx.Linear(
            inputs,
            outputs,
            use_bias=use_bias,
            dtype=self.dtype,
            kernel_init=self._normal(stddev),
            rngs=self.unused_rngs,
        )

    def dropout(self, rate: float) -> Dropout:
        """Makes dropout with this rate, the part of the numbers that is dropped; 0: none."""
        return Dropout(rate, stream=next(self.streams))

    def stochastic_depth(self, num_blocks: int, last_survival: float) -> StochasticDepth:
        """Makes stochastic depth; the last of the blocks survives with this probability."""
        return StochasticDepth(num_blocks, last_survival, stream=next(self.streams))

    def _normal(self, stddev: float) -> nnx.Initializer:
        return lambda _key, shape, dtype: stddev * self.normal(shape).astype(dtype)


def scaled(channels: int, width: int, of: int) -> int:
    """Returns a number of channels in proportion to the width of a network.

    Args:
      channels: the number in the published network.
      width: the channels of the stem of the network that is built.
      of: the channels of the stem of the published network.
    """
    return max(1, round(channels * width / of))

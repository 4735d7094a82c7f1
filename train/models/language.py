"""A transformer that predicts the next byte of a text.

It is a decoder (Vaswani et al. 2017, arXiv 1706.03762) with its norms before each part (Xiong et
al. 2020, arXiv 2002.04745), rotary positions (Su et al. 2021, arXiv 2104.09864), and one matrix for
the bytes that go in and the logits that come out (Press and Wolf 2017, arXiv 1608.05859). A linear
layer has no bias.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from train.models._layers import Layers
from train.models.model import Model, Normal, functional

NUM_BYTES = 256
_BASE = 10_000.0  # of the wavelengths of the rotary positions


class ByteTransformer(nnx.Module):
    """Byte embedding, blocks, a norm, and the embedding once more.

    The embedding has a standard deviation of 0.02. The last layer of each block's two parts has its
    deviation divided by the square root of the number of parts, as in GPT-2. A network of width d
    and L blocks has `256 d + L (12 d^2 + 4 d) + 2 d` parameters.
    """

    def __init__(self, width: int, depth: int, num_heads: int, *, layers: Layers) -> None:
        self.embedding = nnx.Param(0.02 * layers.normal((NUM_BYTES, width)))
        last = (2 * depth * width) ** -0.5
        self.blocks = nnx.List([_Block(width, num_heads, last, layers) for _ in range(depth)])
        self.norm = layers.layer_norm(width)

    def __call__(self, text: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps bytes [b, t] to logits of the next ones [b, t, 256]. It does not use the keys."""
        x = self.embedding[...][text.astype(jnp.int32)]
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.embedding[...].T


class _Block(nnx.Module):
    def __init__(self, width: int, num_heads: int, last: float, layers: Layers) -> None:
        self.num_heads = num_heads
        self.norm1, self.norm2 = layers.layer_norm(width), layers.layer_norm(width)
        first = {"stddev": width**-0.5, "use_bias": False}
        self.qkv = layers.linear(width, 3 * width, **first)
        self.out = layers.linear(width, width, stddev=last, use_bias=False)
        self.mlp_in = layers.linear(width, 4 * width, **first)
        self.mlp_out = layers.linear(4 * width, width, stddev=last / 2, use_bias=False)

    def __call__(self, x: jax.Array) -> jax.Array:
        b, t, width = x.shape
        heads = (b, t, 3, self.num_heads, width // self.num_heads)
        query, key, value = jnp.moveaxis(self.qkv(self.norm1(x)).reshape(heads), 2, 0)
        attended = jax.nn.dot_product_attention(rotary(query), rotary(key), value, is_causal=True)
        x += self.out(attended.reshape(x.shape))
        return x + self.mlp_out(nnx.gelu(self.mlp_in(self.norm2(x))))


def rotary(x: jax.Array) -> jax.Array:
    """Turns the pairs of features of each token by angles in proportion to its place.

    The product of two turned vectors depends on the distance of their places alone.

    Args:
      x: [b, t, heads, features], with an even number of features.
    """
    t, half = x.shape[1], x.shape[-1] // 2
    speeds = _BASE ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angles = jnp.arange(t, dtype=jnp.float32)[:, None, None] * speeds
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    one, two = x[..., :half], x[..., half:]
    return jnp.concatenate([one * cos - two * sin, one * sin + two * cos], -1)


def byte_transformer(width: int, depth: int, num_heads: int) -> Model:
    """Returns the network, in float32: bytes [b, t] -> logits [b, t, 256].

    Args:
      width: the number of features of a token; `num_heads` divides it into even parts.
      depth: the number of blocks.
      num_heads: the number of attention heads.
    """

    def make(normal: Normal) -> ByteTransformer:
        layers = Layers(normal, jnp.dtype("float32"), None)
        return ByteTransformer(width, depth, num_heads, layers=layers)

    return functional(make, average_batch_stats_over=None)

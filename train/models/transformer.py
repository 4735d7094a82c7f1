"""The transformer branch that joins any network.

The paper (Naveen 2024, arXiv 2403.14685, section 2.2) puts "one multi-head attention transformer
before the 48 convolution layers", adds "a mean pooling layer after the transformer", and has it
"concatenated [...] to the initial ResNet50". It prints no sizes.

We read it like this. The image goes to both parts. The transformer's tokens are pooled by their
mean. The pooled features of both stand side by side and go to one linear classifier. The
transformer is one encoder block of a ViT (Dosovitskiy et al. 2021, arXiv 2010.11929, equations 1 to
4, without the class token). It has the widths of ViT-Tiny (Touvron et al. 2021, arXiv 2012.12877,
table 1), over 64 patches of 4x4 pixels.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from train.errors import UserError
from train.models._layers import Layers, Network
from train.models.config import Transformer


class TransformerBranch(Network):
    """Patches, one pre-norm block of attention and MLP, layer norm, and the mean over the tokens.

    Kernels have the variance of Glorot and Bengio, but the patch embedding has `1 / fan_in`. The
    position embedding has a standard deviation of 0.02. Biases start at zero. All this is as in the
    code of the ViT paper.
    """

    def __init__(self, knobs: Transformer, *, layers: Layers, image_size: int = 32) -> None:
        width, self.patch_size = knobs.width, knobs.patch_size
        num_tokens = (image_size // knobs.patch_size) ** 2
        self.num_features = width
        # The position embedding holds the patch embedding's bias.
        self.embed = layers.linear(
            3 * knobs.patch_size**2,
            width,
            stddev=(3 * knobs.patch_size**2) ** -0.5,
            use_bias=False,
        )
        self.position = nnx.Param(0.02 * layers.normal((num_tokens, width)))
        self.norm1 = layers.layer_norm(width)
        self.attention = _Attention(width, knobs.num_heads, layers=layers)
        self.norm2 = layers.layer_norm(width)
        self.mlp_in = layers.linear(width, 4 * width)
        self.mlp_out = layers.linear(4 * width, width)
        self.norm3 = layers.layer_norm(width)

    def __call__(self, images: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps images [b, image_size, image_size, 3] to features, float32 [b, num_features]."""
        x = self.embed(_patches(images, self.patch_size))
        x += self.position[...].astype(x.dtype)
        x += self.attention(self.norm1(x))
        x += self.mlp_out(nnx.gelu(self.mlp_in(self.norm2(x))))
        return jnp.mean(self.norm3(x), axis=1, dtype=jnp.float32)


class Joined(Network):
    """The features of the transformer branch and of a network, side by side."""

    def __init__(self, branch: TransformerBranch, network: Network) -> None:
        self.branch, self.network = branch, network
        self.num_features = branch.num_features + network.num_features

    def __call__(self, images: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps images [b, image_size, image_size, 3] to features, float32 [b, num_features]."""
        return jnp.concatenate([self.branch(images, keys), self.network(images, keys)], axis=-1)


class _Attention(nnx.Module):
    """Multi-head self-attention [b, tokens, width] -> the same; its softmax is in float32."""

    def __init__(self, width: int, num_heads: int, *, layers: Layers) -> None:
        self.num_heads = num_heads
        self.query = layers.linear(width, width)
        # A key has no bias: it would move all scores of a query alike, and change no softmax.
        self.key = layers.linear(width, width, use_bias=False)
        self.value = layers.linear(width, width)
        self.out = layers.linear(width, width)

    def __call__(self, x: jax.Array) -> jax.Array:
        heads = (*x.shape[:2], self.num_heads, x.shape[2] // self.num_heads)
        query, key, value = (
            project(x).reshape(heads) for project in (self.query, self.key, self.value)
        )
        return self.out(jax.nn.dot_product_attention(query, key, value).reshape(x.shape))


def check(knobs: Transformer, *, image_size: int = 32) -> None:
    """Raises UserError for knobs with which no branch can be built."""
    if image_size % knobs.patch_size:
        raise UserError(
            f"`model.transformer.patch_size` must divide the image's {image_size} pixels, got "
            f"{knobs.patch_size}. Take {'2, 4 or 8' if image_size == 32 else '14, 16 or 28'}."
        )
    if knobs.width % knobs.num_heads:
        raise UserError(
            f"`model.transformer.num_heads` must divide the width ({knobs.width}), got "
            f"{knobs.num_heads}. Take 64 features a head."
        )


def _patches(images: jax.Array, size: int) -> jax.Array:
    """Cuts images into patches: [b, h, w, c] -> [b, (h / size) (w / size), size size c]."""
    b, h, w, c = images.shape
    blocks = images.reshape(b, h // size, size, w // size, size, c)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(b, -1, size * size * c)

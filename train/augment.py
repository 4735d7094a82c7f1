"""Random flips and crops on the device. Each image has a random key of its own."""

from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp

from train.checked import checked
from train.kinds import Within


@checked("augment")
@dataclass(frozen=True)
class Augment:
    """How training images are varied at random."""

    flip: bool = True
    """Whether images are mirrored from left to right, each with a probability of one half.
    Turn it off for digits and text."""
    crop_padding: Annotated[int, Within(at_least=0, at_most=32)] = 4
    """How far images are shifted at most, in pixels. From 0 to 32; 0: not at all.
    Each image gets a border of zeros this wide, and a part of its own size is cut out."""


def augment(knobs: Augment, keys: jax.Array, images: jax.Array) -> jax.Array:
    """Flips and crops each image by its own key. The rest of the batch plays no part.

    Args:
      knobs: which changes are made.
      keys: typed keys, [b].
      images: [b, height, width, channels]. They are preprocessed before, so that a zero is the
        mean.

    Returns:
      Images of the same shape and dtype.
    """

    def one(key: jax.Array, image: jax.Array) -> jax.Array:
        flip_key, crop_key = jax.random.split(key)
        if knobs.flip:
            image = jnp.where(jax.random.bernoulli(flip_key), image[:, ::-1], image)
        if pad := knobs.crop_padding:
            row, column = jax.random.randint(crop_key, (2,), 0, 2 * pad + 1)
            padded = jnp.pad(image, ((pad, pad), (pad, pad), (0, 0)))
            image = jax.lax.dynamic_slice(padded, (row, column, 0), image.shape)
        return image

    return jax.vmap(one)(keys, images)

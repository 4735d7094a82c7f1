"""Random flips and crops on the device, a key an image."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from train.errors import UserError


@dataclass(frozen=True)
class Augment:
    """How training images are varied."""

    flip: bool = True
    """Mirror every other image, left to right, by chance. Turn it off for digits and text."""
    crop_padding: int = 4
    """Pixels of zeros put around each image before a part of its own size is cut out; 0: none."""

    def __post_init__(self) -> None:
        """Checks the knobs."""
        if not 0 <= self.crop_padding <= 32:
            raise UserError(
                f"`augment.crop_padding` must be from 0 to 32 pixels, got {self.crop_padding}. "
                "0 switches it off."
            )


def augment(knobs: Augment, keys: jax.Array, images: jax.Array) -> jax.Array:
    """Flips and crops each image by its own key, whatever else is in the batch.

    Args:
      knobs: What is done. `crop_padding` is at least 0.
      keys: Typed keys, [b].
      images: [b, height, width, channels], after preprocessing, so that the zeros around them are
        the mean.

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

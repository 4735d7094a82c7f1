import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from train.augment import Augment, augment

IMAGES = jnp.arange(1, 1 + 64 * 8 * 8 * 3, dtype=jnp.float32).reshape(64, 8, 8, 3)
KEYS = jax.random.split(jax.random.key(0), 64)
run = jax.jit(augment, static_argnums=0)


def variants(image, *, flip, padding):
    """Every image that one can become."""
    mirrors = [image, image[:, ::-1]] if flip else [image]
    pad = ((padding, padding), (padding, padding), (0, 0))
    return {
        np.pad(mirror, pad)[row : row + 8, column : column + 8].tobytes()
        for mirror in mirrors
        for row in range(2 * padding + 1)
        for column in range(2 * padding + 1)
    }


@pytest.mark.parametrize("flip, padding", [(True, 4), (False, 9), (True, 0)])
def test_gives_a_flip_and_a_crop_of_the_zero_padded_image(flip, padding):
    found = np.asarray(run(Augment(flip=flip, crop_padding=padding), KEYS, IMAGES))
    chex.assert_equal_shape([found, IMAGES])
    assert found.dtype == IMAGES.dtype
    for image, result in zip(np.asarray(IMAGES)[:20], found, strict=False):
        assert result.tobytes() in variants(image, flip=flip, padding=padding)


def test_reaches_every_flip_and_offset_about_equally_often():
    keys = jax.random.split(jax.random.key(1), 18 * 200)
    image = np.asarray(IMAGES[0])
    repeated = jnp.broadcast_to(image, (len(keys), *image.shape))
    found = np.asarray(run(Augment(crop_padding=1), keys, repeated))
    kinds, counts = np.unique(found.reshape(len(keys), -1), axis=0, return_counts=True)
    assert len(kinds) == 18 == len(variants(image, flip=True, padding=1))
    assert counts.min() > 140 and counts.max() < 260  # 200 by chance, deviation 14


def test_does_nothing_when_all_is_off():
    chex.assert_trees_all_equal(run(Augment(flip=False, crop_padding=0), KEYS, IMAGES), IMAGES)


def test_the_same_keys_give_the_same_images_and_others_others():
    first = run(Augment(), KEYS, IMAGES)
    chex.assert_trees_all_equal(run(Augment(), KEYS, IMAGES), first)
    other = run(Augment(), jax.random.split(jax.random.key(1), 64), IMAGES)
    assert not jnp.array_equal(other, first)


def test_an_image_depends_on_its_own_key_alone():
    whole = run(Augment(), KEYS, IMAGES)
    shuffled = np.random.default_rng(0).permutation(64)
    chex.assert_trees_all_equal(run(Augment(), KEYS[shuffled], IMAGES[shuffled]), whole[shuffled])
    halves = [run(Augment(), KEYS[half], IMAGES[half]) for half in np.split(np.arange(64), 2)]
    chex.assert_trees_all_equal(jnp.concatenate(halves), whole)


def test_flips_and_crops_are_drawn_apart():
    flips = [run(Augment(flip=True, crop_padding=p), KEYS, IMAGES) for p in (0, 2)]
    mirrored = [np.asarray(x[:, 4, 3, 0] > x[:, 4, 4, 0]) for x in flips]
    np.testing.assert_array_equal(*mirrored)

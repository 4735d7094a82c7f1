"""Which image is seen how, held by stored values: no version of JAX or NumPy may change it."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from train import data
from train.augment import Augment, augment
from train.batches import batch_indices
from train.batches import order as order_of
from train.engine import step

SEEDS = (0, 7, 2**32 - 1)
ORDERS = {
    0: [
        [0, 2, 11, 9, 1, 8, 5, 4, 3, 10, 6, 7],
        [5, 3, 7, 8, 11, 2, 4, 1, 10, 0, 6, 9],
        [10, 2, 0, 11, 1, 4, 6, 5, 9, 7, 8, 3],
    ],
    7: [
        [8, 4, 1, 6, 3, 2, 11, 7, 5, 9, 10, 0],
        [11, 3, 9, 1, 6, 2, 5, 4, 8, 0, 7, 10],
        [7, 11, 4, 8, 10, 5, 0, 9, 1, 6, 3, 2],
    ],
    4294967295: [
        [4, 6, 7, 8, 1, 2, 0, 3, 10, 9, 5, 11],
        [10, 0, 8, 3, 4, 2, 1, 11, 5, 6, 7, 9],
        [7, 5, 9, 8, 1, 11, 10, 2, 4, 0, 6, 3],
    ],
}
SEEN = {
    0: [
        [(True, -2, 4), (True, 4, 0), (True, -2, 0), (True, -1, -4)],
        [(False, -3, -4), (True, 2, 1), (False, -1, 0), (True, -3, 0)],
        [(False, 3, -2), (True, -1, -4), (True, 1, -3), (True, 3, 4)],
    ],
    7: [
        [(False, -4, 1), (False, 0, 2), (False, 0, -1), (True, 2, -4)],
        [(True, -1, 3), (False, 3, -2), (True, 0, -3), (True, -1, 2)],
        [(True, 3, -4), (True, -1, 4), (False, 4, -2), (False, -4, 4)],
    ],
    4294967295: [
        [(False, -2, -4), (True, 0, 4), (True, -3, -4), (True, 0, 3)],
        [(False, 4, 3), (True, -3, -3), (True, -2, 4), (True, -1, -4)],
        [(False, 3, -3), (False, 4, -1), (True, 2, -4), (False, 0, -4)],
    ],
}
CHOICE = [8, 4, 0, 11, 1, 5, 7, 2, 10, 3, 9, 6]
HELD_OUT = [1, 10, 4, 0, 11, 2, 3, 5, 9, 8, 7, 6]


def order(seed, epoch):
    """The images of an epoch of twelve, in their order."""
    steps = range(3 * epoch, 3 * epoch + 3)
    return batch_indices(seed, steps, num_examples=12, batch_size=4).ravel().tolist()


def seen(seed, number):
    """Of four images of a step: whether each was mirrored, and by how much it was shifted."""
    rows, columns = np.meshgrid(np.arange(32), np.arange(32), indexing="ij")
    coded = np.stack([rows, columns, np.ones_like(rows)], axis=-1).astype(np.float32)
    images = jnp.asarray(np.broadcast_to(coded, (2, 2, 32, 32, 3)))  # two devices

    def on_device(images):
        key = jax.random.fold_in(jax.random.key(np.uint32(seed)), np.int32(number))
        return augment(Augment(), step._keys(key, 2), images)

    made = np.asarray(jax.vmap(on_device, axis_name=step.BATCH)(images)).reshape(4, 32, 32, 3)
    found = []
    for image in made:
        is_flipped = bool(image[16, 17, 1] < image[16, 16, 1])
        row, column = image[16, 16, 0] - 16, image[16, 16, 1]
        found.append((is_flipped, int(row), int((31 - column if is_flipped else column) - 16)))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_the_images_is_the_stored_one(seed):
    assert [order(seed, epoch) for epoch in (0, 1, 99)] == ORDERS[seed]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_flips_and_crops_are_the_stored_ones(seed):
    assert [seen(seed, number) for number in (0, 1, 1000)] == SEEN[seed]


def test_the_choice_of_some_images_is_the_stored_one():
    assert order_of(0, data._PART, 12).tolist() == CHOICE
    assert order_of(7, data._HELD_OUT, 12).tolist() == HELD_OUT


def test_no_variable_of_jax_changes_a_draw():
    """Both would, where nothing was said of them."""
    code = (
        "import train.engine, jax; key = jax.random.key(7);"
        "print(jax.random.key_data(jax.random.split(key)).tolist(), jax.random.uniform(key, (2,)))"
    )
    others = {"JAX_THREEFRY_PARTITIONABLE": "0", "JAX_DEFAULT_PRNG_IMPL": "rbg"}
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **more},
            cwd=small.ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for more in ({}, others)
    }
    assert len(said) == 1

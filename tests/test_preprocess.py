from dataclasses import replace

import chex
import jax
import numpy as np
import pytest

from train import preprocess
from train.errors import UserError
from train.preprocess import Preprocess

OFF = Preprocess(standardise=False)
ALL = Preprocess(
    contrast_stretching=True,
    global_contrast_normalisation=True,
    per_pixel_mean=True,
    zca_whitening=True,
)
EACH = {
    "contrast_stretching": replace(OFF, contrast_stretching=True),
    "global_contrast_normalisation": replace(OFF, global_contrast_normalisation=True),
    "per_pixel_mean": replace(OFF, per_pixel_mean=True),
    "zca_whitening": replace(OFF, zca_whitening=True),
    "standardise": Preprocess(),
    "all": ALL,
    "none": OFF,
}


def photographs(seed, num=60, size=6):
    """Images whose pixels and channels are correlated, as a photograph's are."""
    draws = np.random.default_rng(seed)
    smooth = draws.normal(size=(num, 1, 1, 1)) + draws.normal(size=(num, size, 1, 3))
    return np.clip(128 + 30 * smooth + draws.normal(size=(num, size, size, 3)) * 10, 0, 255).astype(
        np.uint8
    )


IMAGES = photographs(0)


def preprocessed(knobs, images=IMAGES):
    statistics = preprocess.fit(knobs, images)
    return np.asarray(jax.jit(preprocess.apply, static_argnums=0)(knobs, statistics, images))


def oracle(knobs, train, images):
    """The module's equations in float64, all images at once."""

    def stretch(x):
        low, high = x.min(axis=(1, 2, 3), keepdims=True), x.max(axis=(1, 2, 3), keepdims=True)
        return (x - low) / (high - low)

    def normalise(x):
        mean, variance = (f(x, axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.var))
        return (x - mean) / np.sqrt(10 / 255**2 + variance)

    def centre(x):
        return x - train.mean(axis=0)

    def whiten(x):
        flat = train.reshape(len(train), -1)
        values, vectors = np.linalg.eigh(np.cov(flat.T, bias=True))
        matrix = vectors @ np.diag(1 / np.sqrt(values + knobs.zca_epsilon)) @ vectors.T
        return ((x.reshape(len(x), -1) - flat.mean(axis=0)) @ matrix).reshape(x.shape)

    def standardise(x):
        return (x - train.mean(axis=(0, 1, 2))) / train.std(axis=(0, 1, 2))

    train, images = train / 255, images / 255
    for step, taken in (
        (stretch, knobs.contrast_stretching),
        (normalise, knobs.global_contrast_normalisation),
        (centre, knobs.per_pixel_mean),
        (whiten, knobs.zca_whitening),
        (standardise, knobs.standardise),
    ):
        if taken:
            train, images = step(train), step(images)
    return images


@pytest.mark.parametrize("knobs", EACH.values(), ids=EACH)
def test_is_the_equations_in_their_order(knobs):
    others = photographs(1, num=5)
    statistics = preprocess.fit(knobs, IMAGES)
    found = jax.jit(preprocess.apply, static_argnums=0)(knobs, statistics, others)
    assert found.dtype == np.float32
    # Values of order 1 pass through sums of 108 terms.
    np.testing.assert_allclose(found, oracle(knobs, IMAGES, others), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("knobs", EACH.values(), ids=EACH)
def test_the_host_and_the_device_agree(knobs):
    statistics = preprocess.fit(knobs, IMAGES)
    host = preprocess.apply(knobs, statistics, IMAGES)
    np.testing.assert_allclose(preprocessed(knobs), host, rtol=1e-4, atol=1e-5)


def test_chunks_do_not_change_the_statistics(monkeypatch):
    whole = preprocess.fit(ALL, IMAGES)
    monkeypatch.setattr(preprocess, "_CHUNK", 7)
    chex.assert_trees_all_close(preprocess.fit(ALL, IMAGES), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("knobs", [Preprocess(), ALL], ids=["default", "all"])
def test_standardised_training_channels_have_mean_0_and_deviation_1(knobs):
    x = preprocessed(knobs).astype(np.float64)
    np.testing.assert_allclose(x.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=(0, 1, 2)), 1, rtol=1e-4)


def test_whitened_training_pixels_are_uncorrelated_with_unit_variance():
    knobs = replace(OFF, zca_whitening=True, zca_epsilon=1e-9)
    x = preprocessed(knobs, photographs(0, num=4000, size=4)).reshape(4000, -1)
    np.testing.assert_allclose(np.cov(x.T, bias=True), np.eye(48), atol=5e-3)


def test_contrast_stretching_reaches_0_and_1_in_every_image():
    x = preprocessed(EACH["contrast_stretching"])
    np.testing.assert_allclose(x.min(axis=(1, 2, 3)), 0, atol=1e-7)
    np.testing.assert_allclose(x.max(axis=(1, 2, 3)), 1, rtol=1e-6)


@pytest.mark.parametrize("knobs", EACH.values(), ids=EACH)
def test_an_image_does_not_depend_on_its_batch(knobs):
    statistics = preprocess.fit(knobs, IMAGES)
    whole = preprocess.apply(knobs, statistics, IMAGES)
    alone = preprocess.apply(knobs, statistics, IMAGES[:1])
    np.testing.assert_allclose(alone, whole[:1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [0, 1, 77, 255])
@pytest.mark.parametrize("knobs", EACH.values(), ids=EACH)
def test_images_of_one_colour_stay_small_and_finite(knobs, value):
    x = preprocessed(knobs, np.full((8, 4, 4, 3), value, np.uint8))
    assert np.isfinite(x).all() and np.abs(x).max() <= 1
    x = preprocessed(knobs, np.full((1, 4, 4, 3), value, np.uint8))
    assert np.isfinite(x).all() and np.abs(x).max() <= 1


@pytest.mark.parametrize("knobs", EACH.values(), ids=EACH)
def test_a_pixel_and_a_channel_that_never_change_stay_finite(knobs):
    images = IMAGES.copy()
    images[..., 2] = 91
    images[:, 0, 0] = 13
    assert np.abs(preprocessed(knobs, images)).max() < 1e3


@pytest.mark.parametrize("knobs", EACH.values(), ids=EACH)
def test_statistics_are_arguments_and_one_trace_serves_all_of_them(knobs):
    chex.clear_trace_counter()
    apply = jax.jit(chex.assert_max_traces(preprocess.apply, n=1), static_argnums=0)
    for seed in (0, 1):
        statistics = preprocess.fit(knobs, photographs(seed))
        assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(statistics))
        apply(knobs, statistics, IMAGES)
    closed = jax.make_jaxpr(lambda s, x: preprocess.apply(knobs, s, x))(statistics, IMAGES)
    assert closed.consts == []


def test_whitening_is_computed_at_full_precision():
    statistics = preprocess.fit(EACH["zca_whitening"], IMAGES)
    jaxpr = jax.make_jaxpr(preprocess.apply, static_argnums=0)
    program = str(jaxpr(EACH["zca_whitening"], statistics, IMAGES))
    assert "precision=(Precision.HIGHEST, Precision.HIGHEST)" in program.replace("\n", "")


def test_is_fitted_on_at_least_one_image():
    with pytest.raises(UserError, match="at least 1 training image"):
        preprocess.fit(Preprocess(), IMAGES[:0])


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan"), float("inf")])
def test_an_epsilon_that_is_not_positive_is_refused(epsilon):
    with pytest.raises(UserError, match="`preprocess.zca_epsilon` must be a .*number above 0"):
        replace(ALL, zca_epsilon=epsilon)


def test_blank_statistics_have_the_shapes_of_fitted_ones():
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3), dtype=np.uint8)
    for names in (["per_pixel_mean"], ["zca_whitening", "standardise"], ["standardise"], []):
        knobs = preprocess.Preprocess(**{"standardise": False} | dict.fromkeys(names, True))
        blank, fitted = preprocess.blank(knobs, (4, 4, 3)), preprocess.fit(knobs, images)
        assert jax.tree.map(lambda x: (x.shape, x.dtype), blank) == jax.tree.map(
            lambda x: (x.shape, x.dtype), fitted
        )

"""What the networks are made of: pooling, depthwise convolutions, random draws, resizing."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from test_models import random_images

from train.models import ModelConfig, _classifier, _draws, _pool, resnet, xception
from train.models import build as models
from train.models._layers import Layers, Network

KEY = jax.random.key(0)


def normal(shape):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)


LAYERS = Layers(normal, jnp.float32, None)


@pytest.mark.parametrize(("size", "stride"), [(8, 1), (7, 2)])
def test_overlapping_maxima_are_those_of_the_pooling_window(size, stride):
    x = normal((2, size, size, 3))
    weights = normal((2, -(-size // stride), -(-size // stride), 3))

    def ours(x):
        return _pool.max_pool(x, window=3, stride=stride)

    def theirs(x):
        return nnx.max_pool(x, (3, 3), (stride, stride), ((1, 1), (1, 1)))

    def run(pool, x):
        y, pull_back = jax.vjp(pool, x)
        return y, pull_back(weights)[0]

    run = jax.jit(run, static_argnums=0)
    maxima, gradients = zip(run(ours, x), run(theirs, x), strict=True)
    np.testing.assert_array_equal(*maxima)
    np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-6)


def test_disjoint_pools_are_those_of_the_window():
    x = normal((2, 8, 8, 3))
    np.testing.assert_array_equal(
        _pool.max_pool(x, window=2, stride=2), nnx.max_pool(x, (2, 2), (2, 2))
    )
    np.testing.assert_allclose(
        _pool.mean_pool(x, window=2), nnx.avg_pool(x, (2, 2), (2, 2)), rtol=1e-6, atol=1e-7
    )


def test_a_depthwise_convolution_is_a_convolution_in_groups_of_one():
    x = normal((2, 6, 7, 5))
    kernel = normal((3, 3, 1, 5))

    def grouped(x, kernel):
        layout = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=layout, feature_group_count=5
        )

    def run(convolve, *args):
        y, pull_back = jax.vjp(convolve, *args)
        return y, pull_back(x)

    run = jax.jit(run, static_argnums=0)
    chex.assert_trees_all_close(
        run(xception.depthwise, x, kernel), run(grouped, x, kernel), rtol=1e-5, atol=1e-5
    )


def test_dropout_keeps_the_mean_and_evaluation_the_numbers():
    dropout = _draws.Dropout(0.25, stream=0)
    x = jnp.full((64, 1000), 3.0)
    keys = jax.random.split(KEY, 64)
    dropped = np.asarray(dropout(x, keys))
    assert set(np.unique(dropped)) == {0.0, 4.0}
    assert (dropped == 0).mean() == pytest.approx(0.25, abs=0.01)  # deviation 0.0017
    assert _draws.Dropout(0.0, stream=0)(x, keys) is x
    dropout.eval()
    assert dropout(x, keys) is x


def test_blocks_survive_with_probabilities_that_fall_linearly():
    """Huang et al. 2016, equation 4, and 5 in evaluation."""
    depth = _draws.StochasticDepth(4, 0.5, stream=0)
    factors = np.asarray(depth(jax.random.split(KEY, 4000)))
    assert factors.shape == (4, 4000, 1, 1, 1)
    assert set(np.unique(factors)) == {0.0, 1.0}
    expected = [1 - 1 / 8, 1 - 2 / 8, 1 - 3 / 8, 1 / 2]
    np.testing.assert_allclose(factors.mean((1, 2, 3, 4)), expected, atol=0.04)  # 5 deviations
    depth.eval()
    np.testing.assert_allclose(depth(KEY).ravel(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "draw",
    [
        lambda stream, keys: _draws.Dropout(0.5, stream=stream)(jnp.ones((8, 100)), keys),
        lambda stream, keys: _draws.StochasticDepth(100, 0.5, stream=stream)(keys)[..., 0, 0, 0].T,
    ],
    ids=["dropout", "stochastic depth"],
)
def test_a_draw_is_of_the_key_of_its_image_and_of_its_layer(draw):
    keys = jax.random.split(KEY, 8)
    first = draw(0, keys)
    np.testing.assert_array_equal(draw(0, keys), first)
    np.testing.assert_array_equal(draw(0, keys[::-1]), first[::-1])
    assert len(np.unique(first, axis=0)) == 8
    assert not np.array_equal(draw(1, keys), first)


def test_every_layer_that_draws_has_a_stream_of_its_own():
    def make(normal):
        layers = Layers(normal, jnp.float32, None)
        network = models._NETWORKS["vgg11"](ModelConfig("vgg11", 1, 224), layers)
        return _classifier.Classifier(network, 10, image_size=224, dropout=0.5, layers=layers)

    classifier = nnx.eval_shape(lambda: make(jnp.zeros))
    assert {classifier.network.dropout.stream, classifier.dropout.stream} == {0, 1}


def test_a_padded_shortcut_has_no_parameters():
    """He et al. 2016, option A: every other pixel, and channels of zeros."""
    shortcut = resnet._Shortcut("padding", 2, 4, 2, layers=LAYERS)
    assert nnx.state(shortcut) == {}
    x = random_images(1)[..., :2]
    np.testing.assert_array_equal(shortcut(x)[..., :2], x[:, ::2, ::2])
    np.testing.assert_array_equal(shortcut(x)[..., 2:], 0)


def test_images_are_resized_on_the_device_between_their_pixels():
    seen = []

    class Eye(Network):
        num_features = 1

        def __call__(self, images, keys):
            seen.append(images)
            return jnp.zeros((len(images), 1))

    classifier = _classifier.Classifier(Eye(), 2, image_size=224, dropout=0.0, layers=LAYERS)
    ramp = np.broadcast_to(np.arange(32.0)[:, None, None], (1, 32, 32, 3))
    classifier(jnp.asarray(ramp, jnp.float32), KEY)
    expected = np.clip((np.arange(224) + 0.5) / 7 - 0.5, 0, 31)
    assert seen[0].shape == (1, 224, 224, 3)
    np.testing.assert_allclose(seen[0][0, :, 5, 1], expected, rtol=1e-5, atol=1e-5)


def test_kernels_start_with_the_deviations_of_the_books():
    conv = LAYERS.conv_relu(64, 96, kernel=5)
    np.testing.assert_allclose(conv.conv.kernel[...].std(), np.sqrt(2 / (25 * 96)), rtol=0.02)
    depthwise = xception._Depthwise(1000, layers=LAYERS)
    np.testing.assert_allclose(depthwise.kernel[...].std(), np.sqrt(2 / 9), rtol=0.02)

"""VGG, GoogLeNet, Xception, DenseNet and stochastic depth: on several devices, and learning."""

import functools
from dataclasses import replace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small
from test_models import assert_reaches_every_parameter, loss_and_gradient, random_images

from train import data, optimizer, preprocess
from train.augment import Augment
from train.engine import state, step
from train.models import ModelConfig, Transformer
from train.models import build as models
from train.models.densenet import DenseNetShape
from train.models.googlenet import GOOGLENET, GoogLeNetShape
from train.models.model import Model
from train.models.resnet import STOCHASTIC20
from train.models.vgg import VGGShape
from train.models.xception import XceptionShape
from train.optimizer import OptimizerConfig
from train.tasks import classification

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)
KINDS = ("vgg", "googlenet", "xception", "densenet", "stochastic")


@pytest.fixture(scope="module", autouse=True)
def tiny_networks():
    """One of each kind with few layers, for each takes a second to compile."""
    shapes = {
        "tiny_vgg": models._vgg(VGGShape((1, 1), 4, (1, 2))),
        "tiny_googlenet": models._googlenet(GoogLeNetShape(((GOOGLENET.stages[0][0],),) * 2, 4)),
        "tiny_xception": models._xception(XceptionShape(0, 4)),
        "tiny_densenet": models._densenet(DenseNetShape((1, 1), 4, 4, is_bc=True)),
        "tiny_stochastic": models._resnet(
            replace(STOCHASTIC20, depths=(1, 1), width=4, multiples=(1, 2), strides=(1, 2))
        ),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, make in shapes.items():
            patch.setitem(models._NETWORKS, name, make)
            patch.setitem(models._HYBRIDS, f"hybrid_{name}", name)
        yield


def build(config, axis_name=None):
    return models.build(config, num_classes=10, axis_name=axis_name)


def test_stochastic_depth_evaluates_with_the_expected_branches():
    """Huang et al. 2016, equation 5: as if each branch's last norm had p_l times its numbers."""
    config = ModelConfig("tiny_stochastic")
    params, batch_stats = jax.jit(build(config).init)(KEY)
    images = random_images(4)
    logits, _ = build(config).apply(params, batch_stats, images, False, KEY)
    for number, survival in enumerate([3 / 4, 1 / 2]):
        norm = params["network"]["blocks"][str(number)]["norm2"]
        norm["scale"] *= survival
    with pytest.MonkeyPatch.context() as patch:
        shape = replace(STOCHASTIC20, depths=(1, 1), width=4, multiples=(1, 2), strides=(1, 2))
        patch.setitem(models._NETWORKS, "tiny", models._resnet(replace(shape, last_survival=1.0)))
        expected, _ = build(ModelConfig("tiny")).apply(params, batch_stats, images, False, KEY)
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)


@functools.cache
def on_one_device(kind):
    """Variables and keys of a tiny hybrid, and what it makes of 16 images in training."""
    branch = Transformer(patch_size=8, width=12, num_heads=3)
    config = ModelConfig(f"hybrid_tiny_{kind}", dropout=0.25, transformer=branch)
    model, keys = build(config), jax.random.split(KEY, 16)
    variables = jax.jit(model.init)(KEY)
    apply = jax.jit(model.apply, static_argnums=3)
    return config, variables, keys, apply(*variables, random_images(16), True, keys)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_four_devices_draw_and_normalise_as_one(kind):
    config, variables, keys, (expected, statistics) = on_one_device(kind)
    spread = jax.pmap(
        build(config, axis_name="batch").apply,
        axis_name="batch",
        in_axes=(None, None, 0, None, 0),
        out_axes=(0, None),
        static_broadcasted_argnums=3,
        devices=jax.devices()[:4],
    )
    images = random_images(16).reshape(4, 4, 32, 32, 3)
    logits, moved = spread(*variables, images, True, keys.reshape(4, 4))
    np.testing.assert_allclose(logits.reshape(16, 10), expected, rtol=1e-4, atol=1e-5)
    chex.assert_trees_all_close(moved, statistics, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_stays_close_to_float32(kind):
    config, variables, keys, (expected, statistics) = on_one_device(kind)
    apply = jax.jit(build(replace(config, dtype="bfloat16")).apply, static_argnums=3)
    logits, moved = apply(*variables, random_images(16), True, keys)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=0.05 * np.abs(expected).max())
    assert not np.array_equal(logits, expected)
    chex.assert_trees_all_close(moved, statistics, rtol=0.05, atol=0.01)


def drawing_model():
    """Logits that are the keys' bits, times one parameter."""

    def apply(params, batch_stats, images, train, keys):
        bits = jax.random.key_data(keys)[:, :1] >> jnp.arange(10, dtype=jnp.uint32)
        return params["kernel"] * (bits & 1), batch_stats

    return Model(lambda key: ({"kernel": jnp.ones(())}, {}), apply)


def test_an_image_draws_the_same_on_any_number_of_devices_and_in_any_microbatch():
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)

    def losses(num_devices, microbatches):
        config = small.config(
            augment=Augment(flip=False, crop_padding=0),
            optimizer=OptimizerConfig(microbatches=microbatches),
        )
        chain = optimizer.build(config.optimizer, optax.constant_schedule(1.0), models.decay_mask)
        pictures = classification.Pictures(jnp.asarray(images), jnp.arange(16) % 10)
        split = step.DeviceData(pictures, preprocess.fit(config.preprocess, images))
        learner = classification.learner(config, drawing_model())
        train = jax.pmap(
            step.make_train_step(config, learner, chain, None),
            axis_name=step.BATCH,
            in_axes=(None, None, 0),
            out_axes=None,
            devices=jax.devices()[:num_devices],
        )
        now = state.create(0, learner, chain, watch_from=100)
        found = []
        for _ in range(2):
            now, metrics = train(now, split, np.arange(16).reshape(num_devices, -1))
            found.append(float(metrics["loss"]))
        return found

    expected = losses(1, 1)
    assert expected[0] != pytest.approx(expected[1])
    np.testing.assert_allclose(losses(2, 2), expected, rtol=1e-5)


def steps_to_overfit(config, optimizer, tfds_dir):
    """Steps until all of the first 64 images of CIFAR-10 are known; 100 if they are not by then."""
    split = data.load("cifar10", data_dir=tfds_dir).train
    images, labels = split.images[:64].astype(np.float32) / 64 - 2, split.labels[:64]
    model = build(config)
    params, batch_stats = jax.jit(model.init)(KEY)
    state = optimizer.init(params)

    @jax.jit
    def step(params, batch_stats, state, key):
        logits, batch_stats, gradient = loss_and_gradient(model)(
            params, batch_stats, images, labels, jax.random.split(key, 64)
        )
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), batch_stats, state, logits, gradient

    for number in range(100):
        key = jax.random.fold_in(KEY, number)
        params, batch_stats, state, logits, gradient = step(params, batch_stats, state, key)
        if number == 0:
            assert_reaches_every_parameter(gradient)
        if (logits.argmax(-1) == labels).all():
            return number + 1
    return 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "optimizer", "bound"),
    [
        (ModelConfig("vgg16", 8), optax.adam(3e-3), 40),
        (ModelConfig("vgg11", 8, batch_norm="none"), optax.adam(1e-3), 99),
        (ModelConfig("googlenet_small", 8), optax.sgd(0.3, 0.9, nesterov=True), 50),
        (ModelConfig("xception_small", 4), optax.sgd(0.1, 0.9, nesterov=True), 40),
        (ModelConfig("densenet_small"), optax.sgd(0.3, 0.9, nesterov=True), 70),
        (ModelConfig("stochastic20", 16), optax.sgd(0.1, 0.9, nesterov=True), 95),
        (ModelConfig("hybrid_vgg11", 8), optax.adam(3e-3), 40),
    ],
    ids=lambda value: value.name + value.batch_norm if isinstance(value, ModelConfig) else "",
)
def test_overfits_64_images_within_its_bound_of_steps(config, optimizer, bound, tfds_dir):
    assert steps_to_overfit(config, optimizer, tfds_dir) <= bound

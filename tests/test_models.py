"""The networks: sizes, initial values, batch norm on one and on several devices, bad knobs."""

from dataclasses import replace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from train.errors import UserError
from train.models import ModelConfig, Transformer
from train.models import build as models
from train.models._layers import Layers
from train.models.model import functional, num_params
from train.models.resnet import ResNetShape
from train.models.transformer import TransformerBranch

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)
TINY = ModelConfig(
    "tiny",
    zero_init_residual=False,
    transformer=Transformer(patch_size=8, width=12, num_heads=3),
)


@pytest.fixture(scope="module", autouse=True)
def tiny_networks():
    """Networks that compile in a second: "tiny", and "tiny_hybrid" with the branch."""
    with pytest.MonkeyPatch.context() as patch:
        shapes = {"tiny": ResNetShape("basic", (1, 1), 4, (1, 2), (1, 2))}
        shapes["tiny50"] = replace(shapes["tiny"], block="bottleneck")
        for name, shape in shapes.items():
            patch.setitem(models._NETWORKS, name, models._resnet(shape))
        patch.setitem(models._HYBRIDS, "tiny_hybrid", "tiny50")
        yield


def build(config=TINY, *, axis_name=None):
    return models.build(config, num_classes=10, axis_name=axis_name)


def random_images(num_images):
    return np.random.default_rng(0).normal(size=(num_images, 32, 32, 3)).astype(np.float32)


def shapes_of(config):
    return jax.eval_shape(build(config).init, KEY)


def jaxpr_of(config, *, train=True):
    model = build(config)
    return jax.make_jaxpr(lambda *args: model.apply(*args, train, KEY))(
        *shapes_of(config), random_images(2)
    )


def paths(tree):
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def loss_and_gradient(model, axis_name=None):
    def loss(params, batch_stats, images, labels, keys=KEY):
        logits, batch_stats = model.apply(params, batch_stats, images, True, keys)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses.mean(), (logits, batch_stats)

    def run(*args):
        (_, (logits, batch_stats)), gradient = jax.value_and_grad(loss, has_aux=True)(*args)
        if axis_name is not None:
            gradient = jax.lax.pmean(gradient, axis_name)
        return logits, batch_stats, gradient

    return run


@pytest.fixture(scope="module")
def variables():
    return jax.jit(build().init)(KEY)


@pytest.fixture(scope="module")
def on_one_device(variables):
    """Logits, batch statistics and gradient of the tiny network on 16 images."""
    return jax.jit(loss_and_gradient(build()))(*variables, random_images(16), np.arange(16) % 10)


@pytest.mark.parametrize(
    ("name", "width", "expected"),
    [
        ("resnet18", None, 11_173_962),
        ("resnet34", None, 21_282_122),
        ("resnet50", None, 23_520_842),
        ("resnet34", 110, 62_840_040),
        # ResNet-14 of He et al., section 4.2, and its two projections with their batch norms.
        ("resnet_small", None, 928 + 18_560 + 57_728 + 230_144 + 1_290),  # stem, stages, head
        # ResNet-50, the branch, and the branch's rows of the classifier.
        ("hybrid50", None, 23_520_842 + (48 + 64) * 192 + 12 * 192**2 + 14 * 192 + 192 * 10),
    ],
)
def test_has_as_many_parameters_as_the_literature_says(name, width, expected):
    params, _ = shapes_of(ModelConfig(name, width))
    assert num_params(params) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("resnet_small", "resnet18", "resnet34", "resnet50", "hybrid50", "stochastic20"),
        *("vgg16", "googlenet_small", "xception_small", "densenet_small", "hybrid_vgg11"),
    ],
)
def test_keeps_plain_float32_dicts_and_float32_logits_in_bfloat16(name):
    model = build(ModelConfig(name, dtype="bfloat16"))
    variables = jax.eval_shape(model.init, KEY)
    logits, batch_stats = jax.eval_shape(
        lambda *args: model.apply(*args, True, jax.random.split(KEY, 2)),
        *variables,
        random_images(2),
    )
    chex.assert_shape(logits, (2, 10))
    chex.assert_trees_all_equal_shapes_and_dtypes(batch_stats, variables[1])
    assert {leaf.dtype for leaf in jax.tree.leaves((variables, logits))} == {jnp.dtype("float32")}
    for path, _ in jax.tree_util.tree_leaves_with_path(variables):
        assert all(isinstance(entry.key, str) for entry in path[1:])


@pytest.mark.parametrize("name", ["resnet_small", "hybrid50"])
def test_the_program_has_no_float64_and_no_pooling_windows(name):
    program = str(jaxpr_of(ModelConfig(name)))
    assert "f64" not in program
    assert "reduce_window" not in program
    if name.startswith("resnet"):
        assert "transpose[" not in program


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_computes_in_the_dtype_of_the_knob(dtype):
    activations = {
        equation.outvars[0].aval.dtype.name
        for equation in jaxpr_of(replace(TINY, name="tiny50", dtype=dtype)).eqns
        if equation.primitive.name in ("conv_general_dilated", "custom_jvp_call")  # relu
    }
    assert activations == {dtype}


@pytest.mark.parametrize(("backend", "dtype"), [("cpu", "float32"), ("gpu", "bfloat16")])
def test_auto_is_bfloat16_on_accelerators_alone(monkeypatch, backend, dtype):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    assert str(jaxpr_of(TINY)) == str(jaxpr_of(replace(TINY, dtype=dtype)))


def test_init_draws_kernels_and_starts_residual_branches_at_zero():
    params, batch_stats = jax.jit(build(replace(TINY, width=64, zero_init_residual=True)).init)(KEY)
    last_block = params["network"]["blocks"]["1"]
    np.testing.assert_allclose(
        last_block["conv1"]["kernel"].std(), np.sqrt(2 / (9 * 128)), rtol=0.02
    )
    np.testing.assert_allclose(params["head"]["kernel"].std(), 0.01, rtol=0.1)
    for path, leaf in paths(params).items():
        if not path.endswith("kernel"):
            is_zero = path.endswith(("bias", "norm2.scale"))
            np.testing.assert_array_equal(leaf, float(not is_zero), err_msg=path)
    for path, leaf in paths(batch_stats).items():
        np.testing.assert_array_equal(leaf, float(path.endswith("var")), err_msg=path)
    kernels = [leaf.ravel()[:10] for path, leaf in paths(params).items() if "kernel" in path]
    assert len(np.unique(np.concatenate(kernels))) == 10 * len(kernels)


def test_init_depends_on_its_key_alone():
    init = jax.jit(build().init)
    first, again, other = init(KEY)[0], init(KEY)[0], init(jax.random.key(1))[0]
    chex.assert_trees_all_equal(first, again)
    assert not np.array_equal(first["head"]["kernel"], other["head"]["kernel"])


def test_a_residual_network_is_the_equations_of_he_2016(variables):
    params, _ = variables

    def normalise(x, norm):
        x = np.asarray(x, np.float64)
        x = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
        return x * np.asarray(norm["scale"]) + np.asarray(norm["bias"])

    def convolve(x, conv, stride):
        pad = conv["kernel"].shape[0] // 2
        return jax.lax.conv_general_dilated(
            x.astype(np.float32),
            conv["kernel"],
            (stride, stride),
            [(pad, pad), (pad, pad)],
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    images, net = random_images(4), params["network"]
    x = np.maximum(normalise(convolve(images, net["conv"], 1), net["norm"]), 0)
    for i, stride in enumerate([1, 2]):
        block = net["blocks"][str(i)]
        y = np.maximum(normalise(convolve(x, block["conv1"], stride), block["norm1"]), 0)
        y = normalise(convolve(y, block["conv2"], 1), block["norm2"])
        if "shortcut" in block:
            shortcut = block["shortcut"]
            x = normalise(convolve(x, shortcut["conv"], stride), shortcut["norm"])
        x = np.maximum(x + y, 0)
    expected = x.mean((1, 2)) @ np.asarray(params["head"]["kernel"])
    logits, _ = build().apply(*variables, images, True, KEY)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_the_branch_is_a_block_of_vit_pooled_by_its_mean():
    knobs = Transformer(patch_size=8, width=12, num_heads=3)
    model = functional(
        lambda normal: TransformerBranch(knobs, layers=Layers(normal, jnp.float32, None)),
        average_batch_stats_over=None,
    )
    images = random_images(2)
    params, _ = model.init(KEY)
    features, _ = model.apply(params, {}, images, True, KEY)
    p = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)

    def linear(x, layer):
        return x @ layer["kernel"] + layer.get("bias", 0)

    def norm(x):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)

    def gelu(x):
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    for image, feature in zip(images, features, strict=True):
        corners = [(i, j) for i in range(0, 32, 8) for j in range(0, 32, 8)]
        patches = np.stack([image[i : i + 8, j : j + 8].ravel() for i, j in corners])
        x = linear(patches, p["embed"]) + p["position"]
        attention, y = p["attention"], norm(x)
        query, key, value = (linear(y, attention[name]) for name in ("query", "key", "value"))
        heads = []
        for head in np.split(np.arange(12), 3):
            weights = np.exp(query[:, head] @ key[:, head].T / 2)
            heads.append(weights / weights.sum(-1, keepdims=True) @ value[:, head])
        x += linear(np.concatenate(heads, -1), attention["out"])
        x += linear(gelu(linear(norm(x), p["mlp_in"])), p["mlp_out"])
        np.testing.assert_allclose(feature, norm(x).mean(0), rtol=1e-4, atol=1e-5)


def test_evaluation_sees_each_image_alone_and_keeps_the_statistics(variables):
    evaluate = jax.jit(lambda *args: build().apply(*args, False, KEY))
    _, moved = build().apply(*variables, random_images(4), True, KEY)
    images = 3 * random_images(4) + 1
    logits, batch_stats = evaluate(variables[0], moved, images)
    chex.assert_trees_all_equal(batch_stats, moved)
    together, _ = evaluate(variables[0], moved, np.stack([images[0], *images[:3]]))
    np.testing.assert_allclose(together[1:], logits[:3], rtol=1e-5)
    unmoved, _ = evaluate(*variables, images)
    assert not np.allclose(unmoved, logits, rtol=1e-2)


def test_training_moves_the_statistics_a_tenth_of_the_way_to_the_batch(variables):
    images = random_images(4)
    _, batch_stats = build().apply(*variables, images, True, KEY)
    kernel = variables[0]["network"]["conv"]["kernel"]
    stem = jax.lax.conv_general_dilated(
        images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    stem = np.asarray(stem, np.float64)
    moved = batch_stats["network"]["norm"]
    np.testing.assert_allclose(moved["mean"], 0.1 * stem.mean((0, 1, 2)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(moved["var"], 0.9 + 0.1 * stem.var((0, 1, 2)), rtol=1e-5)


def test_global_batch_norm_on_four_devices_equals_one_device(variables, on_one_device):
    logits, batch_stats, gradient = on_one_device
    spread = jax.pmap(
        loss_and_gradient(build(axis_name="batch"), "batch"),
        axis_name="batch",
        in_axes=(None, None, 0, 0),
        out_axes=(0, None, None),
        devices=jax.devices()[:4],
    )
    images, labels = random_images(16).reshape(4, 4, 32, 32, 3), np.arange(16).reshape(4, 4) % 10
    parts = spread(*variables, images, labels)
    close = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(parts[0].reshape(16, 10), logits, **close)
    chex.assert_trees_all_close(parts[1], batch_stats, **close)
    chex.assert_trees_all_close(parts[2], gradient, rtol=1e-4, atol=1e-5)


def test_local_batch_norm_normalises_alone_and_averages_the_running_statistics(variables):
    images = random_images(8).reshape(4, 2, 32, 32, 3)
    images *= np.arange(1, 5, dtype=np.float32).reshape(4, 1, 1, 1, 1)
    local = build(replace(TINY, batch_norm="local"), axis_name="batch")
    logits, batch_stats = jax.pmap(
        lambda *args: local.apply(*args, True, KEY),
        axis_name="batch",
        in_axes=(None, None, 0),
        devices=jax.devices()[:4],
    )(*variables, images)
    alone = jax.jit(lambda *args: build().apply(*args, True, KEY))
    expected = [alone(*variables, part) for part in images]
    np.testing.assert_allclose(logits, [part[0] for part in expected], rtol=1e-4, atol=1e-6)
    mean = jax.tree.map(lambda *parts: np.mean(parts, axis=0), *(part[1] for part in expected))
    for device in range(4):
        chex.assert_trees_all_close(
            jax.tree.map(lambda leaf, i=device: leaf[i], batch_stats), mean, rtol=1e-4, atol=1e-6
        )


def test_bfloat16_stays_close_to_float32(variables, on_one_device):
    full, full_stats, _ = on_one_device
    model = build(replace(TINY, dtype="bfloat16"))
    run = jax.jit(lambda *args: model.apply(*args, True, KEY))
    half, half_stats = run(*variables, random_images(16))
    np.testing.assert_allclose(half, full, rtol=0, atol=0.02 * np.abs(full).max())
    assert not np.array_equal(half, full)
    chex.assert_trees_all_close(half_stats, full_stats, rtol=0.02, atol=0.002)


def assert_reaches_every_parameter(gradient):
    for path, leaf in paths(gradient).items():
        assert np.isfinite(leaf).all(), path
        assert np.abs(leaf).max() > 1e-6, path


def test_the_gradient_reaches_every_parameter(on_one_device):
    assert_reaches_every_parameter(on_one_device[2])


def test_the_gradient_reaches_every_parameter_of_a_hybrid_with_bottlenecks():
    model = build(replace(TINY, name="tiny_hybrid"))
    run = jax.jit(loss_and_gradient(model))
    logits, _, gradient = run(*jax.jit(model.init)(KEY), random_images(4), np.arange(4))
    assert np.isfinite(logits).all()
    assert_reaches_every_parameter(gradient)


def test_resnet_small_overfits_64_images_in_40_steps():
    model = build(ModelConfig(width=8))
    params, batch_stats = jax.jit(model.init)(KEY)
    images, labels = random_images(64)[:, ::2, ::2], np.arange(64) % 10
    optimizer = optax.sgd(0.3, momentum=0.9, nesterov=True)
    state = optimizer.init(params)

    @jax.jit
    def step(params, batch_stats, state):
        logits, batch_stats, gradient = loss_and_gradient(model)(
            params, batch_stats, images, labels
        )
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), batch_stats, state, logits

    for _ in range(40):
        params, batch_stats, state, logits = step(params, batch_stats, state)
    assert (logits.argmax(-1) == labels).all()


@pytest.mark.parametrize("name", ["resnet_small", "hybrid50"])
def test_weight_decay_touches_kernels_alone(name):
    params, _ = shapes_of(ModelConfig(name))
    mask = models.decay_mask(params)
    chex.assert_trees_all_equal_structs(mask, params)
    for (path, leaf), decays in zip(paths(params).items(), jax.tree.leaves(mask), strict=True):
        assert decays == (leaf.ndim > 1 and not path.endswith("position")), path


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            ModelConfig("resnet43"),
            r"`model.name` must be one of .*Did you mean resnet34\?",
        ),
        (ModelConfig(batch_norm="none"), "`model.batch_norm` must be global or local"),
        (
            ModelConfig(transformer=Transformer(num_heads=5)),
            r"num_heads` must divide .*\(192\)",
        ),
        (
            ModelConfig(transformer=Transformer(patch_size=5)),
            "transformer.patch_size` must divide",
        ),
    ],
)
def test_a_bad_knob_is_a_user_error(config, message):
    with pytest.raises(UserError, match=message):
        build(config)

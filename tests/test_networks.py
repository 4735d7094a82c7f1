"""VGG, GoogLeNet, Xception, DenseNet and stochastic depth: their sizes, programs and knobs."""

import functools

import jax
import numpy as np
import pytest
from test_models import loss_and_gradient, paths, random_images

from train.errors import UserError
from train.models import ModelConfig, Transformer
from train.models import build as models
from train.models.model import num_params

KEY = jax.random.key(0)
SMALL = ("stochastic20", "vgg11", "googlenet_small", "xception_small", "densenet_small")


def build(config, num_classes=10):
    return models.build(config, num_classes=num_classes, axis_name=None)


@functools.cache
def shapes_of(config, num_classes=10):
    return jax.eval_shape(build(config, num_classes).init, KEY)


@functools.cache
def jaxpr_of_training(name):
    config = ModelConfig(name, dtype="bfloat16")
    run = loss_and_gradient(build(config))
    return jax.make_jaxpr(lambda *args: run(*args, jax.random.split(KEY, 2)))(
        *shapes_of(config), random_images(2), np.arange(2)
    )


@pytest.mark.parametrize(
    ("config", "num_classes", "expected"),
    [
        # Torchvision's networks.
        (ModelConfig("vgg11", image_size=224, batch_norm="none"), 1000, 132_863_336),
        (ModelConfig("vgg16", image_size=224, batch_norm="none"), 1000, 138_357_544),
        (ModelConfig("vgg19", image_size=224, batch_norm="none"), 1000, 143_667_240),
        (ModelConfig("resnet34", image_size=224), 1000, 21_797_672),
        (ModelConfig("resnet50", image_size=224), 1000, 25_557_032),
        # Keras's convolutions of VGG-16 and VGG-19, and a classifier.
        (ModelConfig("vgg16", batch_norm="none"), 10, 14_714_688 + 5_130),
        (ModelConfig("vgg19", batch_norm="none"), 10, 20_024_384 + 5_130),
        # Batch norm has a scale where a convolution of 4,224 channels in all had none.
        (ModelConfig("vgg16"), 10, 14_714_688 + 4_224 + 5_130),
        # Caffe's, which has 13,378,280 with these two auxiliary classifiers.
        (
            ModelConfig("googlenet", image_size=224, batch_norm="none"),
            1000,
            13_378_280 - 1_040 * 128 - 2 * (128 + 2_049 * 1_024 + 1_025 * 1_000),
        ),
        # Keras's 22,910,480, of which the statistics of batch norm are no parameters.
        (ModelConfig("xception", image_size=224), 1000, 22_910_480 - 54_528),
        (ModelConfig("xception"), 10, 22_910_480 - 54_528 - 2_049 * 990),
        # Huang et al. 2017, table 2: 0.8 and 1.0 million.
        (ModelConfig("densenet100"), 10, 769_162),
        (ModelConfig("densenet40"), 10, 1_019_722),
        # He et al. 2016, table 6: 0.27 and 1.7 million; stochastic depth adds none.
        (ModelConfig("resnet20"), 10, 269_722),
        (ModelConfig("stochastic110"), 10, 1_727_962),
    ],
    ids=str,
)
def test_has_as_many_parameters_as_the_literature_says(config, num_classes, expected):
    params, batch_stats = shapes_of(config, num_classes)
    assert num_params(params) == expected
    if config.name == "xception":
        assert num_params(batch_stats) == 54_528


@pytest.mark.parametrize("name", ["vgg11", "densenet_small"])
def test_the_branch_joins_any_network(name):
    alone, joined = (
        num_params(shapes_of(ModelConfig(prefix + name))[0]) for prefix in ("", "hybrid_")
    )
    branch_and_its_rows = (48 + 64) * 192 + 12 * 192**2 + 14 * 192 + 192 * 10
    assert joined == alone + branch_and_its_rows


@pytest.mark.parametrize("name", SMALL)
def test_the_program_of_a_step_has_neither_float64_nor_pooling_windows(name):
    program = str(jaxpr_of_training(name))
    assert "f64" not in program
    assert "reduce_window" not in program
    assert "select_and_scatter" not in program


@pytest.mark.parametrize("name", SMALL)
def test_convolves_in_bfloat16_with_float32_kernels(name):
    convolutions = {
        equation.outvars[0].aval.dtype.name
        for equation in jaxpr_of_training(name).eqns
        if equation.primitive.name == "conv_general_dilated"
    }
    assert convolutions == {"bfloat16"}


@pytest.mark.parametrize("name", SMALL)
def test_weight_decay_touches_kernels_alone(name):
    params, _ = shapes_of(ModelConfig(name))
    mask = models.decay_mask(params)
    for (path, leaf), decays in zip(paths(params).items(), jax.tree.leaves(mask), strict=True):
        assert decays == (leaf.ndim > 1) == path.endswith("kernel"), path


@pytest.mark.parametrize("name", ["vgg11", "googlenet_small"])
def test_without_batch_norm_convolutions_have_biases(name):
    params, batch_stats = shapes_of(ModelConfig(name, batch_norm="none"))
    assert batch_stats == {}
    names = paths(params)
    assert all(path.endswith(("kernel", "bias")) for path in names)
    assert all(path.replace("kernel", "bias") in names for path in names)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("resnet18", 112, 7), ("vgg11", 224, 14), ("googlenet", 112, 7), ("xception", 112, 7)],
)
def test_published_networks_begin_and_end_at_the_published_pixels(name, first, last):
    model = build(ModelConfig(name, width=4, image_size=224))
    program = jax.make_jaxpr(lambda *args: model.apply(*args, False, KEY))(
        *jax.eval_shape(model.init, KEY), random_images(1)
    )
    sizes = [
        equation.outvars[0].aval.shape[1]
        for equation in program.eqns
        if equation.primitive.name == "conv_general_dilated"
    ]
    assert (sizes[0], sizes[-1]) == (first, last)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            ModelConfig("hybrid_googlenett"),
            r"or `hybrid_` before .*Did you mean hybrid_googlenet\?",
        ),
        (ModelConfig("densenet40", image_size=224), "`model.image_size` must be 32, got 224"),
        (
            ModelConfig("resnet18", batch_norm="none"),
            "batch_norm` must be global or local, ",
        ),
        (
            ModelConfig("vgg16", image_size=224, transformer=Transformer(patch_size=5)),
            "patch_size` must divide the image's 224 pixels, got 5. Take 14, 16 or 28",
        ),
    ],
)
def test_a_bad_knob_is_a_user_error(config, message):
    with pytest.raises(UserError, match=message):
        build(config)

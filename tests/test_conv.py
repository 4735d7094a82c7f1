"""The convolutions of a CPU against the library's in float64."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from train.models import _conv
from train.models._layers import Layers

# Batch, pixels, inputs, outputs, kernel, stride. Every kernel and stride of the networks, and what
# is taken whole, in parts of 8 images, of 32 and of fewer, and with 1, 2 and 4 pixels at once.
SHAPES = [
    (2, 8, 3, 5, 3, 1),
    (2, 9, 5, 3, 3, 2),
    (2, 8, 5, 6, 1, 1),
    (2, 8, 6, 5, 1, 2),
    (2, 8, 4, 6, 5, 1),
    (2, 18, 3, 8, 7, 2),
    (2, 8, 3, 16, 3, 2),
    (2, 8, 3, 32, 3, 1),
    (2, 10, 3, 16, 3, 1),
    (2, 8, 16, 16, 3, 1),
    (2, 7, 16, 16, 3, 1),
    (4, 16, 8, 16, 5, 1),
    (64, 16, 16, 16, 3, 1),
    (64, 32, 3, 16, 3, 2),
    (48, 16, 16, 32, 1, 1),
    (32, 32, 16, 32, 3, 2),
    (18, 16, 32, 32, 3, 1),
    (32, 32, 16, 32, 1, 2),
    (3, 32, 8, 128, 3, 1),
    (2, 64, 3, 64, 7, 2),
]


def arrays(batch, pixels, inputs, outputs, kernel, stride):
    rng = np.random.default_rng(0)
    padding = (kernel - 1) // 2
    after = (pixels + 2 * padding - kernel) // stride + 1
    x = rng.normal(size=(batch, pixels, pixels, inputs))
    weights = rng.normal(size=(kernel, kernel, inputs, outputs))
    gradient = rng.normal(size=(batch, after, after, outputs))
    return x, weights, gradient, stride, padding


@functools.partial(jax.jit, static_argnums=(0, 4, 5))
def everything(convolve, x, kernel, gradient, stride, padding):
    """The outputs, and the gradients with respect to x and the kernel."""

    def outputs(x, kernel):
        strides, paddings = (stride, stride), ((padding, padding), (padding, padding))
        return convolve(x, kernel, strides, paddings, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    y, pull_back = jax.vjp(outputs, x, kernel)
    return y, *pull_back(gradient)


def assert_close(ours, theirs, of_largest):
    for our, their in zip(ours, theirs, strict=True):
        their = np.asarray(their, np.float64)
        np.testing.assert_allclose(our, their, rtol=0, atol=of_largest * np.abs(their).max())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_outputs_and_gradients_are_those_of_float64(shape):
    x, kernel, gradient, stride, padding = arrays(*shape)
    with jax.enable_x64(True):
        theirs = everything(jax.lax.conv_general_dilated, x, kernel, gradient, stride, padding)
    x, kernel, gradient = (jnp.asarray(each, jnp.float32) for each in (x, kernel, gradient))
    ours = everything(_conv.conv_general_dilated, x, kernel, gradient, stride, padding)
    assert {each.dtype for each in ours} == {jnp.dtype(jnp.float32)}
    assert_close(ours, theirs, 2e-6)


def test_bfloat16_is_the_librarys():
    x, kernel, gradient, *how = arrays(32, 16, 16, 16, 3, 1)
    halves = [jnp.asarray(each, jnp.bfloat16) for each in (x, kernel, gradient)]
    ours = everything(_conv.conv_general_dilated, *halves, *how)
    chex.assert_trees_all_equal(ours, everything(jax.lax.conv_general_dilated, *halves, *how))


@pytest.mark.parametrize("spread", [jax.vmap, jax.pmap])
def test_it_is_spread_like_any_function(spread):
    x, kernel, gradient, *how = arrays(64, 16, 16, 16, 3, 1)
    x, kernel, gradient = (jnp.asarray(each, jnp.float32) for each in (x, kernel, gradient))
    run = functools.partial(everything, _conv.conv_general_dilated)
    y, to_x, to_kernel = run(x, kernel, gradient, *how)

    def part(x, gradient):
        return run(x, kernel, gradient, *how)

    halves = [jnp.reshape(each, (2, 32, *each.shape[1:])) for each in (x, gradient)]
    ys, to_xs, to_kernels = spread(part)(*halves)
    flat = (np.reshape(ys, y.shape), np.reshape(to_xs, x.shape), np.sum(to_kernels, 0))
    assert_close(flat, (y, to_x, to_kernel), 2e-6)


def gradient_of_layer(x):
    conv = Layers(jnp.ones, x.dtype, None).conv(16, 16)
    graphdef, params = nnx.split(conv)
    return jax.make_jaxpr(jax.grad(lambda params: nnx.merge(graphdef, params)(x).sum()))(params)


def test_a_networks_convolution_takes_this_path_on_a_cpu():
    program = gradient_of_layer(jnp.ones((64, 16, 16, 16)))
    assert "window_strides=(1, 2)" in str(program)  # two pixels at once
    assert "scan[" in str(program)  # a part of the batch at a time


def test_an_accelerators_program_is_the_librarys(monkeypatch):
    x = jnp.ones((64, 16, 16, 16))
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    on_gpu = str(gradient_of_layer(x))
    monkeypatch.setattr("train.models._layers.conv_general_dilated", jax.lax.conv_general_dilated)
    assert on_gpu == str(gradient_of_layer(x))

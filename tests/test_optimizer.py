"""Optimizers: what reaches the parameters, against arithmetic by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import log_anneal as la
from train import optimizer
from train.errors import UserError
from train.optimizer import OptimizerConfig

PARAMS = {"kernel": jnp.array([[1.0, -2.0]]), "bias": jnp.array([3.0])}
GRADS = {"kernel": jnp.array([[0.5, 0.25]]), "bias": jnp.array([-1.0])}
RATE = la.cyclical_cosine_schedule(peak_value=0.1, end_value=0.01, decay_steps=4)


def kernels(params):
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)


def steps(config, count):
    chain = optimizer.build(config, RATE, kernels)
    params, state = PARAMS, chain.init(PARAMS)
    rates = []
    for _ in range(count):
        updates, state = chain.update(GRADS, state, params)
        params = optax.apply_updates(params, updates)
        rates.append(float(optimizer.learning_rate(state)))
    return params, rates


def test_sgd_adds_decay_to_kernels_alone_and_then_momentum():
    config = OptimizerConfig(momentum=0.9, weight_decay=0.1)
    kernel, bias, velocity = np.array([[1.0, -2.0]]), np.array([3.0]), [0.0, 0.0]
    for step in range(3):
        velocity[0] = 0.9 * velocity[0] + GRADS["kernel"] + 0.1 * kernel
        velocity[1] = 0.9 * velocity[1] + GRADS["bias"]
        kernel = kernel - RATE.at(step) * velocity[0]
        bias = bias - RATE.at(step) * velocity[1]
    params, _ = steps(config, 3)
    np.testing.assert_allclose(params["kernel"], kernel, rtol=1e-6)
    np.testing.assert_allclose(params["bias"], bias, rtol=1e-6)


def test_nesterov_looks_ahead():
    params, _ = steps(OptimizerConfig(momentum=0.9, nesterov=True, weight_decay=0), 1)
    expected = PARAMS["kernel"] - RATE.at(0) * 1.9 * GRADS["kernel"]
    np.testing.assert_allclose(params["kernel"], expected, rtol=1e-6)


def test_clipping_comes_before_weight_decay():
    config = OptimizerConfig(momentum=0, weight_decay=0.1, clip_norm=0.5)
    scale = 0.5 / np.sqrt(0.5**2 + 0.25**2 + 1)
    params, _ = steps(config, 1)
    expected = PARAMS["kernel"] * (1 - RATE.at(0) * 0.1) - RATE.at(0) * scale * GRADS["kernel"]
    np.testing.assert_allclose(params["kernel"], expected, rtol=1e-6)


def test_adamw_decays_kernels_apart_from_the_gradient():
    params, _ = steps(OptimizerConfig(name="adamw", weight_decay=0.1), 1)
    # Adam's first update is the gradient's sign.
    expected = PARAMS["kernel"] - RATE.at(0) * (jnp.sign(GRADS["kernel"]) + 0.1 * PARAMS["kernel"])
    np.testing.assert_allclose(params["kernel"], expected, rtol=1e-5)
    np.testing.assert_allclose(params["bias"], 3 + RATE.at(0), rtol=1e-5)


def test_the_rate_in_the_state_is_the_one_that_the_update_used():
    params, rates = steps(OptimizerConfig(momentum=0, weight_decay=0), 4)
    np.testing.assert_allclose(rates, [RATE.at(step) for step in range(4)], rtol=1e-6)
    np.testing.assert_allclose(params["bias"], 3 + sum(rates), rtol=1e-6)


def test_further_arguments_reach_the_optimizer():
    config = OptimizerConfig(name="adam", weight_decay=0, arguments={"eps": 1.0})
    params, _ = steps(config, 1)
    np.testing.assert_allclose(params["bias"], 3 + RATE.at(0) / 2, rtol=1e-5)


@pytest.mark.parametrize("name", optimizer.names())
def test_every_optimizer_that_is_offered_moves_the_parameters(name):
    params, _ = steps(OptimizerConfig(name=name), 2)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))
    assert not np.array_equal(params["kernel"], PARAMS["kernel"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "addam"}, "`optimizer.name` must be an optimizer of optax, got addam. Did you"),
        ({"name": "lbfgs"}, "`optimizer.name` must be an optimizer of optax, got lbfgs"),
        (
            {"name": "adam", "arguments": {"b3": 1.0}},
            "must be numbers that optax.adam takes, got b3",
        ),
        ({"arguments": {"learning_rate": 1.0}}, "Set `schedule`"),
        ({"arguments": {"nesterov": 1.0}}, "Set `optimizer.nesterov`"),
        ({"name": "adamw", "arguments": {"mask": 1.0}}, "got mask"),
        ({"name": "adam", "arguments": {"mu_dtype": 1.0}}, "got mu_dtype"),
        ({"name": "scale_by_rprop"}, "got scale_by_rprop"),
        ({"momentum": -0.1}, "`optimizer.momentum` must be at least 0, got -0.1"),
        ({"weight_decay": float("nan")}, "`optimizer.weight_decay` must be at least 0, got nan"),
        ({"clip_norm": 0.0}, "`optimizer.clip_norm` must be above 0, got 0.0"),
        ({"microbatches": 0}, "`optimizer.microbatches` must be at least 1, got 0"),
    ],
)
def test_a_wrong_knob_is_named(arguments, message):
    with pytest.raises(UserError, match=message.replace(".", r"\.")):
        OptimizerConfig(**arguments)

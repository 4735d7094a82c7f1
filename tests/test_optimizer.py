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

pytestmark = pytest.mark.usefixtures("unoptimized")

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


SOLVERS = {
    "sgd": 0.1,
    "adam": 0.1,
    "adamw": 0.1,
    "lion": 0.05,
    "sign_sgd": 0.05,
    "muon": 0.1,
    "lbfgs": 1.0,
}


@pytest.mark.parametrize(("name", "peak"), SOLVERS.items())
def test_a_solver_lowers_the_loss_at_the_rates_of_its_schedule(name, peak):
    inputs, targets = np.random.default_rng(0).normal(size=(2, 32, 3)).astype(np.float32)

    def loss(params):
        return jnp.mean((inputs @ params["kernel"] + params["bias"] - targets) ** 2)

    schedule = la.cyclical_log_schedule(
        peak_value=peak, end_value=peak / 10, base=5.0, decay_steps=40
    )
    chain = optimizer.build(OptimizerConfig(name=name, weight_decay=0), schedule, kernels)
    params = {"kernel": jnp.eye(3), "bias": jnp.ones(3)}
    state, first, rates = chain.init(params), loss(params), []
    for _ in range(40):
        # As through a checkpoint: the leaves alone, on the host.
        leaves, structure = jax.tree.flatten(state)
        state = jax.tree.unflatten(structure, jax.device_get(leaves))
        updates, state = jax.jit(chain.update)(jax.grad(loss)(params), state, params)
        params = optax.apply_updates(params, updates)
        rates.append(optimizer.learning_rate(state))
    best = np.linalg.lstsq(np.c_[inputs, np.ones(32)], targets)[0]
    least = loss({"kernel": best[:3], "bias": best[3]})
    assert loss(params) - least < 0.2 * (first - least)
    np.testing.assert_allclose(rates, schedule.at(np.arange(40)), rtol=1e-6)


def test_muon_turns_the_update_of_a_kernel_into_an_orthogonal_matrix():
    keys = jax.random.split(jax.random.key(0), 3)
    shapes = {"conv": (3, 3, 4, 8), "dense": (16, 4)}
    grads = {
        name: {"kernel": jax.random.normal(key, shape), "bias": jnp.ones(shape[-1])}
        for key, (name, shape) in zip(keys, shapes.items(), strict=False)
    }
    grads["position"] = jax.random.normal(keys[2], (16, 4))
    params = jax.tree.map(jnp.zeros_like, grads)

    def is_kernel(params):
        return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)

    config = OptimizerConfig(name="muon", weight_decay=0.1, arguments={"ns_steps": 6.0})
    chain = optimizer.build(config, optax.constant_schedule(1.0), is_kernel)
    updates, _ = jax.jit(chain.update)(grads, chain.init(params), params)
    adam = optax.adam(1.0, nesterov=True)
    adams, _ = jax.jit(adam.update)(grads, adam.init(params))
    for name, shape in shapes.items():
        values = np.linalg.svd(updates[name]["kernel"].reshape(-1, shape[-1]), compute_uv=False)
        # Newton and Schulz's steps come this near to 1.
        np.testing.assert_allclose(values, 1, atol=0.35)
        np.testing.assert_allclose(updates[name]["bias"], adams[name]["bias"], rtol=1e-5)
    np.testing.assert_allclose(updates["position"], adams["position"], rtol=1e-5)


def test_weight_decay_of_muon_is_decoupled_and_on_kernels_alone():
    decayed, _ = steps(OptimizerConfig(name="muon", weight_decay=0.1), 1)
    plain, _ = steps(OptimizerConfig(name="muon", weight_decay=0), 1)
    expected = plain["kernel"] - RATE.at(0) * 0.1 * PARAMS["kernel"]
    np.testing.assert_allclose(decayed["kernel"], expected, rtol=1e-5)
    np.testing.assert_array_equal(decayed["bias"], plain["bias"])


def test_lbfgs_meets_the_least_of_an_uneven_quadratic_in_a_few_steps():
    curvature = jnp.array([1.0, 10.0, 100.0])
    config = OptimizerConfig(name="lbfgs", weight_decay=0, arguments={"memory_size": 4.0})
    chain = optimizer.build(config, optax.constant_schedule(1.0), kernels)
    params = {"kernel": jnp.ones(3)}
    state, update = chain.init(params), jax.jit(chain.update)
    for _ in range(12):
        updates, state = update({"kernel": curvature * params["kernel"]}, state, params)
        params = optax.apply_updates(params, updates)
    assert jnp.abs(params["kernel"]).max() < 1e-3
    leaves = jax.tree.leaves(state)
    assert sum(leaf.size for leaf in leaves if leaf.shape[-1:] == (3,)) == (2 + 2 * 4) * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "addam"}, "`optimizer.name` must be an optimizer of optax, got 'addam'. Did you"),
        (
            {"name": "polyak_sgd"},
            "`optimizer.name` must be an optimizer of optax, got 'polyak_sgd'",
        ),
        (
            {"name": "adam", "arguments": {"b3": 1.0}},
            "must be numbers that optax's adam takes, got 'b3'",
        ),
        ({"arguments": {"learning_rate": 1.0}}, "Set `schedule`"),
        ({"arguments": {"nesterov": 1.0}}, "Set `optimizer.nesterov`"),
        ({"name": "adamw", "arguments": {"mask": 1.0}}, "got 'mask'"),
        ({"name": "adam", "arguments": {"mu_dtype": 1.0}}, "got 'mu_dtype'"),
        (
            {"name": "lbfgs", "arguments": {"memory_size": 2.5}},
            "memory_size a whole number, got 2.5",
        ),
        ({"name": "lbfgs", "arguments": {"linesearch": 1.0}}, "got 'linesearch'"),
        ({"name": "scale_by_rprop"}, "got 'scale_by_rprop'"),
        (
            {"momentum": -0.1},
            "`optimizer.momentum` must be a number of at least 0 and below 1, got -0.1",
        ),
        (
            {"weight_decay": float("nan")},
            "`optimizer.weight_decay` must be a finite number of at least 0, got",
        ),
        ({"clip_norm": 0.0}, "`optimizer.clip_norm` must be a number above 0 or None, got 0.0"),
        ({"microbatches": 0}, "`optimizer.microbatches` must be a whole number of at least 1"),
    ],
)
def test_a_wrong_knob_is_named(arguments, message):
    with pytest.raises(UserError, match=message.replace(".", r"\.")):
        OptimizerConfig(**arguments)

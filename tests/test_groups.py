"""Groups of parameters by patterns over their paths, each with its schedule."""

import chex
import flax.core
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint
import pytest

import log_anneal as la

FAST, SLOW = (
    la.constant_schedule(0.5),
    la.step_decay_schedule(init_value=0.25, decay_steps=1, decay_rate=0.5),
)
PARAMS = {
    "encoder": {"layers": [{"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)} for _ in range(2)]},
    "head": {"kernel": jnp.ones(2), "bias": jnp.ones(2)},
}
LABELS = {
    "encoder": {"layers": [{"kernel": "encoder/*", "bias": "*/bias"} for _ in range(2)]},
    "head": {"kernel": "*", "bias": "*/bias"},
}
SCHEDULES = {"*/bias": FAST, "encoder/*": None, "*": SLOW}


def live_adam(schedule):
    return optax.inject_hyperparams(optax.adamw)(learning_rate=la.live(schedule))


def rates(optimizer, params, steps=1):
    """Of each parameter after some steps, from unit gradients."""
    state, ones = optimizer.init(params), jax.tree.map(jnp.ones_like, params)
    for _ in range(steps):
        updates, state = optimizer.update(ones, state, params)
    return jax.tree.map(lambda leaf: -leaf.ravel()[0].item(), updates)


def expected(steps=1):
    at = {"*/bias": 0.5, "encoder/*": 0.0, "*": SLOW.at(steps - 1)}
    return jax.tree.map(at.get, LABELS)


@pytest.mark.parametrize("steps", [1, 3])
def test_each_parameter_has_the_schedule_of_the_first_pattern_that_matches(steps):
    assert rates(la.groups(optax.sgd, SCHEDULES), PARAMS, steps) == expected(steps)


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("head/bias", ["head/bias"]),
        ("head/*", ["head/bias", "head/kernel"]),
        ("*/0/*", ["encoder/layers/0/bias", "encoder/layers/0/kernel"]),
        ("encoder/**/bias", ["encoder/layers/0/bias", "encoder/layers/1/bias"]),
        ("encoder/layers/[1-9]/bia?", ["encoder/layers/1/bias"]),
    ],
)
def test_a_pattern_matches_whole_paths_over_slashes(pattern, matched):
    found = rates(la.groups(optax.sgd, {pattern: FAST, "*": None}), PARAMS)
    with_paths = jax.tree_util.tree_leaves_with_path(found)
    assert matched == [
        jax.tree_util.keystr(path, simple=True, separator="/") for path, r in with_paths if r
    ]


def test_patterns_mind_case():
    with pytest.raises(ValueError, match="got 'Head/bias', which matches none"):
        la.groups(optax.sgd, {"Head/bias": FAST, "*": SLOW}).init(PARAMS)


@pytest.mark.parametrize("wrap", [lambda tree: tree, flax.core.freeze, lambda tree: [tree]])
def test_any_tree_of_parameters_will_do(wrap):
    schedules = {"*/bias": FAST, "*encoder/*": None, "*": SLOW}
    assert rates(la.groups(optax.sgd, schedules), wrap(PARAMS)) == wrap(expected())


def test_a_frozen_group_has_no_state_and_no_weight_decay():
    optimizer = la.groups(lambda s: optax.adamw(s, weight_decay=0.1), SCHEDULES)
    state = optimizer.init(PARAMS)
    assert jax.tree.leaves(state.inner_states["encoder/*"]) == []
    zeros = jax.tree.map(jnp.zeros_like, PARAMS)
    updates, _ = optimizer.update(zeros, state, PARAMS)
    assert not any(
        leaf.any() for leaf in jax.tree.leaves(updates["encoder"]["layers"][0]["kernel"])
    )
    assert updates["head"]["kernel"].all()


def test_the_state_of_a_group_is_that_of_its_own_parameters():
    optimizer = la.groups(lambda s: optax.sgd(s, momentum=0.9), SCHEDULES)
    sizes = {
        pattern: sum(leaf.size for leaf in jax.tree.leaves(state) if leaf.ndim)
        for pattern, state in optimizer.init(PARAMS).inner_states.items()
    }
    assert sizes == {"*/bias": 6, "encoder/*": 0, "*": 2}


def test_a_parameter_without_a_pattern_is_named():
    optimizer = la.groups(optax.sgd, {"encoder/*": FAST})
    with pytest.raises(ValueError, match=r"got none for head/bias, head/kernel\. Add \"\*\" as"):
        optimizer.init(PARAMS)
    many = [jnp.ones(1)] * 30
    with pytest.raises(ValueError, match=r"got none for 0, 1, .*, 9 and 20 more\."):
        la.groups(optax.sgd, {"x": FAST}).init(many)


def test_a_pattern_without_a_parameter_is_refused_with_what_is_near():
    optimizer = la.groups(optax.sgd, {"head/bais": FAST, "*": SLOW})
    with pytest.raises(ValueError, match=r"got 'head/bais', which matches none\. .*head/bias"):
        optimizer.init(PARAMS)
    optimizer = la.groups(optax.sgd, {"*": SLOW, "head/*": FAST})
    with pytest.raises(ValueError, match=r"got 'head/\*' after '\*', which has head/bias\. Put it"):
        optimizer.init(PARAMS)
    with pytest.raises(ValueError, match="`schedules` must hold a pattern, got none"):
        la.groups(optax.sgd, {})


def test_groups_of_live_schedules_come_back_from_a_checkpoint(tmp_path):
    optimizer = la.groups(live_adam, SCHEDULES)
    update = jax.jit(chex.assert_max_traces(optimizer.update, n=1), donate_argnums=1)
    _, state = update(PARAMS, optimizer.init(PARAMS), PARAMS)
    state = la.swap(state, learning_rate={"*/bias": la.constant_schedule(0.125)})
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "state", optimizer.init(PARAMS))
    chex.assert_trees_all_equal(restored, state)
    now = {each.groups: round(each.rate, 6) for each in la.current(restored)}
    assert now == {("*",): 0.125, ("*/bias",): 0.125}
    (updates, _), (again, _) = update(PARAMS, restored, PARAMS), update(PARAMS, state, PARAMS)
    chex.assert_trees_all_equal(updates, again)


def test_parameters_may_be_of_bfloat16():
    def adam(schedule):
        injected = optax.inject_hyperparams(optax.adamw, hyperparam_dtype=jnp.float32)
        return injected(learning_rate=la.live(schedule))

    params = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), PARAMS)
    optimizer = la.groups(adam, SCHEDULES)
    updates, state = jax.jit(optimizer.update)(params, optimizer.init(params), params)
    np.testing.assert_allclose(updates["head"]["bias"], [-0.5, -0.5], rtol=1e-2)
    chex.assert_trees_all_equal_dtypes(optax.apply_updates(params, updates), params)
    rates = optax.tree.get_all_with_path(state, "learning_rate")
    assert all(rate.dtype == jnp.float32 for _, rate in rates if isinstance(rate, jax.Array))


def test_optax_maps_over_the_parameters_in_the_state():
    optimizer = la.groups(optax.adam, SCHEDULES)
    state = optimizer.init(PARAMS)
    doubled = optax.tree_map_params(optimizer, lambda leaf: leaf + 1, state)
    assert jax.tree.structure(doubled) == jax.tree.structure(state)
    assert sum(leaf.sum().item() for leaf in jax.tree.leaves(doubled)) == 2 * (6 + 2)


def test_the_gradient_of_a_group_is_clipped_in_front_of_it_or_alone():
    def clipped(schedule):
        return optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(schedule))

    params = {"a": jnp.full(1, 3.0), "b": jnp.full(1, 4.0)}
    apart = la.groups(clipped, {"a": FAST, "b": FAST})
    whole = optax.chain(
        optax.clip_by_global_norm(1.0), la.groups(optax.sgd, {"a": FAST, "b": FAST})
    )
    for optimizer, norms in ((apart, [0.5, 0.5]), (whole, [0.3, 0.4])):
        updates, _ = optimizer.update(params, optimizer.init(params), params)
        np.testing.assert_allclose(np.abs(jax.tree.leaves(updates)).ravel(), norms, rtol=1e-6)

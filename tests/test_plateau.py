"""A live schedule that falls when a metric stops improving."""

import json
import math
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint
import pytest
from flax import nnx

import log_anneal as la

ONE = la.constant_schedule(1.0)
COSINE = la.cyclical_cosine_schedule(
    peak_value=0.1, end_value=1e-3, decay_steps=50, restart_steps=60
)
PARAMS = {"a": jnp.ones(2), "b": jnp.ones(3)}
GOLDEN = sorted((Path(__file__).parent / "golden" / "plateau").glob("*.json"))


def sgd(schedule, **options):
    return optax.inject_hyperparams(optax.sgd)(learning_rate=la.plateau(schedule, **options))


def rates(optimizer, values, state=None):
    """The rate of each update, in one scan."""

    @jax.jit
    def run(state, values):
        def step(state, value):
            _, state = optimizer.update(PARAMS, state, PARAMS, value=value)
            return state, state.hyperparams["learning_rate"]

        return jax.lax.scan(step, state, values)

    state, found = run(optimizer.init(PARAMS) if state is None else state, jnp.asarray(values))
    return np.asarray(found), state


def of_torch(path):
    """Our options for torch's arguments, the metrics, and torch's rate after each."""
    golden = json.loads(path.read_text())
    options = golden["params"]
    threshold, mode = options.pop("threshold", 1e-4), options.pop("threshold_mode", "rel")
    options |= {"rtol": threshold} if mode == "rel" else {"rtol": 0.0, "atol": threshold}
    options["min_scale"] = options.pop("min_lr", 0.0)
    values = np.array([np.nan if each is None else each for each in golden["metrics"]], np.float32)
    return options, values, np.array(golden["scales"])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
@pytest.mark.parametrize("schedule", [ONE, COSINE], ids=["constant", "cosine"])
def test_scales_as_pytorchs_rule_does_at_every_step(path, schedule):
    options, values, scales = of_torch(path)
    assert np.isnan(values).sum() > 3 and len(set(scales)) > 4
    found, state = rates(sgd(schedule, **options), values)
    before = np.append(1.0, scales[:-1])  # a reduction holds from the next update on
    np.testing.assert_allclose(found, schedule.at(np.arange(300)) * before, rtol=1e-5)
    np.testing.assert_allclose(
        state.hyperparams_states["learning_rate"].scale, scales[-1], rtol=1e-5
    )


def test_all_cases_of_pytorch_are_there():
    assert len(GOLDEN) == 10


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("cooldown", [0, 2])
def test_scales_as_optax_does_one_update_later_and_with_one_metric_more(size, cooldown):
    options = {"factor": 0.5, "rtol": 0.01, "cooldown": cooldown, "accumulation_size": size}
    theirs = optax.contrib.reduce_on_plateau(patience=3, **options)
    _, values, _ = of_torch(GOLDEN[0])
    values = np.nan_to_num(values, nan=5.0)
    state, expected = theirs.init(PARAMS), [1.0]
    update = jax.jit(theirs.update)
    for value in values:
        _, state = update(PARAMS, state, PARAMS, value=value)
        expected.append(float(state.scale))
    found, _ = rates(sgd(ONE, patience=2, **options), values)
    assert len(set(expected)) > 4
    np.testing.assert_allclose(found, expected[:-1], rtol=1e-6)


def scale_after(values, **options):
    rule = la.plateau(ONE, **options)
    state = rule.init()
    for value in values:
        state = rule.update(state, value=value)
    return float(state.scale)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_metric_that_is_not_finite_is_no_improvement_and_never_the_best(bad, mode):
    options = {"factor": 0.5, "patience": 1, "mode": mode}
    assert scale_after([bad, bad], **options) == 0.5
    better = [1.0, 0.5, 0.2, 0.1] if mode == "min" else [1.0, 2.0, 3.0, 4.0]
    assert scale_after([bad, *better], **options) == 1.0
    assert scale_after([better[0], bad, *better[1:]], **options) == 1.0
    assert scale_after([better[0], bad, bad], **options) == 0.5


def test_the_tolerance_of_a_negative_metric_is_a_part_of_its_size():
    worse = [-1.0, -0.9999, -0.9998]
    assert scale_after(worse, factor=0.5, patience=1, rtol=0.01) == 0.5
    better = [-1.0, -1.1, -1.3, -1.5]
    assert scale_after(better, factor=0.5, patience=0, rtol=0.05) == 1.0
    assert scale_after([-x for x in better], mode="max", factor=0.5, patience=0, rtol=0.05) == 1.0


def test_judges_the_mean_of_several_values():
    options = {"factor": 0.5, "patience": 0, "accumulation_size": 2}
    assert scale_after([1.0, 3.0, 3.5, 0.0, 0.5], **options) == 1.0  # means of 2 and 1.75
    assert scale_after([1.0, 3.0, 0.0, 5.0], **options) == 0.5  # means of 2 and 2.5
    assert scale_after([1.0, 3.0, 0.0, math.nan], **options) == 0.5


WRAPPERS = {
    "chain": lambda one: optax.chain(optax.clip_by_global_norm(1e9), one),
    "MultiSteps": lambda one: optax.MultiSteps(one, 1),
    "groups": lambda one: la.groups(lambda _: one, {"a": ONE, "*": ONE}),
    "partition": lambda one: optax.partition({"x": one}, {"a": "x", "b": "x"}),
    "if finite": lambda one: optax.apply_if_finite(one, 5),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_the_value_reaches_it_and_swap_and_current_find_it_wherever_it_is(wrap):
    optimizer = wrap(sgd(COSINE, factor=0.5, patience=0))
    lower, state = COSINE.replace(peak_value=0.05), optimizer.init(PARAMS)
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def update(state, value):
        return optimizer.update(PARAMS, state, PARAMS, value=value)

    for step, (value, scale) in enumerate([(1.0, 1), (1.0, 1), (0.5, 0.5), (0.1, 0.5), (1, 0.5)]):
        if step == 3:
            state = la.swap(state, learning_rate=lower)
        updates, state = update(state, np.float32(value))
        expected = (COSINE if step < 3 else lower).at(step) * scale
        np.testing.assert_allclose(-updates["a"], [expected] * 2, rtol=1e-5)
    now = la.current(state)[0]
    assert (now.name, now.step) == ("learning_rate", 5)
    np.testing.assert_allclose((now.rate, now.scale), (lower.at(5) * 0.25, 0.25), rtol=1e-6)


def test_nnx_optimizer_hands_the_value_on():
    model = nnx.Linear(2, 1, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, sgd(ONE, factor=0.5, patience=0), wrt=nnx.Param)
    grads = nnx.grad(lambda model: model(jnp.ones((1, 2))).sum())(model)
    for _ in range(3):
        optimizer.update(model, grads, value=jnp.float32(1.0))
    assert optimizer.opt_state.hyperparams["learning_rate"][...] == 0.5
    now = la.current(optimizer.opt_state)[0]
    assert (now.step, now.rate, now.scale) == (3, 0.25, 0.25)


def test_a_run_that_was_saved_goes_on_as_it_would_have(tmp_path):
    _, values, _ = of_torch(GOLDEN[0])
    optimizer = sgd(COSINE, factor=0.5, patience=1, cooldown=1, accumulation_size=2)
    whole, end = rates(optimizer, values[:60])
    _, state = rates(optimizer, values[:31])
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "state", optimizer.init(PARAMS))
    rest, again = rates(optimizer, values[31:60], restored)
    np.testing.assert_array_equal(rest, whole[31:])
    chex.assert_trees_all_equal(again, end)
    rule = end.hyperparams_states["learning_rate"]
    assert {leaf.dtype.itemsize for leaf in jax.tree.leaves(rule[1:])} == {4}
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(end))


def test_a_donated_state_takes_nothing_that_is_not_its_own():
    optimizer = sgd(ONE)
    update = jax.jit(
        lambda state: optimizer.update(PARAMS, state, PARAMS, value=1.0)[1], donate_argnums=0
    )
    first, second = optimizer.init(PARAMS), optimizer.init(PARAMS)
    update(update(first))
    update(second)


def test_a_population_has_a_scale_each():
    rule = la.plateau(ONE, factor=0.5, patience=0)
    states = jax.vmap(lambda _: rule.init())(jnp.arange(2))
    for values in ([1.0, 1.0], [0.5, 1.0]):
        states = jax.vmap(lambda state, value: rule.update(state, value=value))(
            states, jnp.array(values)
        )
    assert jax.vmap(rule)(states).tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({}, TypeError, r"`value` must be given to each update .*is missing.*value=loss\)"),
        ({"value": None}, TypeError, "`value` must be given to each update"),
        ({"value": jnp.ones(2)}, ValueError, r"single number, got shape \(2,\)\. Report its mean"),
        ({"value": 1j}, TypeError, "`value` must be a real number, got 1j"),
    ],
)
def test_an_update_refuses_what_is_no_metric(value, error, message):
    optimizer = sgd(ONE)
    with pytest.raises(error, match=message):
        optimizer.update(PARAMS, optimizer.init(PARAMS), PARAMS, **value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 1.0}, r"`factor` must be above 0 and below 1, got 1\.0"),
        ({"factor": 0}, "`factor` must be above 0 and below 1, got 0"),
        ({"factor": 2.0}, r"`factor` must be a number from 0 to 1, got 2\.0"),
        ({"factor": "a"}, "`factor` must be a number, got 'a'"),
        ({"patience": -1}, "`patience` must be a whole number of at least 0, got -1"),
        ({"patience": 2.5}, r"`patience` must be a whole number of at least 0, got 2\.5"),
        ({"cooldown": -1}, "`cooldown` must be a whole number of at least 0, got -1"),
        ({"rtol": 1.5}, r"`rtol` must be a number from 0 to 1, got 1\.5"),
        ({"atol": -0.1}, r"`atol` must be a number from 0 .*got -0\.1"),
        ({"min_scale": 2.0}, r"`min_scale` must be a number from 0 to 1, got 2\.0"),
        ({"mode": "rel"}, '`mode` must be "min" or "max", got \'rel\'. Take "min" for a loss'),
        ({"accumulation_size": 0}, "`accumulation_size` must be a whole number of at least 1"),
    ],
)
def test_refuses_options_outside_their_range(options, message):
    with pytest.raises(ValueError, match=message):
        la.plateau(ONE, **options)


def test_refuses_what_is_no_schedule():
    with pytest.raises(TypeError, match="`schedule` must be a Schedule"):
        la.plateau(0.1)


def test_a_plateau_in_the_place_of_a_schedule_is_told_its_place():
    optimizer = optax.sgd(la.plateau(la.constant_schedule(0.5)))
    state = optimizer.init(jnp.ones(2))
    with pytest.raises(TypeError, match="must be called with its state.*inject_hyperparams"):
        optimizer.update(jnp.ones(2), state)

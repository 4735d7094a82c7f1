"""A schedule as one leaf: where others have leaves, a schedule stays whole."""

import copy
import importlib.util
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from every_schedule import COSINE, EVERY_SCHEDULE, FALL, ONE_OF_EACH_CLASS
from flax import nnx

import log_anneal as la

one_of_each_class = pytest.mark.parametrize("schedule", ONE_OF_EACH_CLASS, ids=repr)


@one_of_each_class
def test_is_one_leaf_of_any_tree_and_has_the_schedules_values(schedule):
    tree = {"a": [la.as_function(schedule)], "b": la.as_function(FALL)}
    assert len(jax.tree.leaves(tree)) == 2
    values = jax.tree.map(lambda leaf: leaf(3), tree)  # as kauldron logs its schedules
    assert values["a"] == [schedule(3)] and values["b"] == FALL(3)
    assert tree["a"][0].at(3) == schedule.at(3)
    np.testing.assert_array_equal(tree["b"].at(np.arange(4)), FALL.at(np.arange(4)))
    np.testing.assert_array_equal(jax.jit(tree["b"])(jnp.arange(4)), FALL(jnp.arange(4)))


@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_compares_hashes_pickles_copies_and_prints_as_the_schedule_does(schedule):
    function = la.as_function(schedule)
    for again in (
        la.as_function(la.from_json(la.to_json(schedule))),
        pickle.loads(pickle.dumps(function)),
        copy.deepcopy(function),
        copy.copy(function),
        eval(repr(function), {**vars(la), "as_function": la.as_function}),
    ):
        assert again == function and hash(again) == hash(function)
        assert again.schedule == schedule and repr(again) == f"as_function({schedule!r})"
    assert function != la.as_function(la.constant_schedule(0.123)) and function != schedule


def test_goes_where_optax_takes_a_function():
    function, params = la.as_function(COSINE), jnp.ones(2)
    for optimizer in (
        optax.sgd(function),
        optax.inject_hyperparams(optax.sgd)(learning_rate=function),
    ):
        state = optimizer.init(params)
        for step in range(3):
            updates, state = optimizer.update(params, state, params)
            np.testing.assert_allclose(updates, [-COSINE.at(step)] * 2, rtol=1e-5)


class Model(nnx.Module):
    def __init__(self, rate):
        self.layer = nnx.Linear(2, 1, rngs=nnx.Rngs(0))
        self.rate = rate


def test_an_nnx_module_holds_it_as_a_plain_attribute():
    with pytest.raises(ValueError, match="static attribute"):
        Model(COSINE)
    model = Model(la.as_function(COSINE))
    assert {path[0] for path in nnx.to_flat_state(nnx.state(model)).paths} == {"layer"}
    graph, state = nnx.split(model)
    assert nnx.merge(graph, state).rate.schedule == COSINE
    assert hash(graph) == hash(nnx.split(Model(la.as_function(COSINE)))[0])
    assert nnx.jit(lambda model, step: model.rate(step))(model, 3) == COSINE(3)


def test_a_module_of_equinox_has_no_parameters_in_it():
    if not importlib.util.find_spec("equinox"):
        pytest.skip("skipped: equinox is not installed")
    eqx = importlib.import_module("equinox")

    class Module(eqx.Module):
        weight: jax.Array
        rate: object

    def num_parameters(rate):
        module = Module(jnp.ones(2), rate)
        return len(jax.tree.leaves(eqx.filter(module, eqx.is_inexact_array_like)))

    assert num_parameters(COSINE) > 1
    assert num_parameters(la.as_function(COSINE)) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.1, r"`schedule` must be a Schedule, got 0\.1\. Give `constant_schedule"),
        (optax.constant_schedule(0.1), "`schedule` must be a Schedule, .* take it as it is"),
        (la.as_function(FALL), "`schedule` must be a Schedule, .* take it as it is"),
    ],
)
def test_refuses_what_is_no_schedule(value, message):
    with pytest.raises(TypeError, match=message):
        la.as_function(value)


def test_refuses_a_stack_and_a_change():
    with pytest.raises(ValueError, match=r"`schedule` must be a single one.*shape \(2,\)"):
        la.as_function(la.stack([FALL, FALL]))
    with pytest.raises(AttributeError, match=r"`schedule` must not be set.*replace\("):
        la.as_function(FALL).schedule = COSINE


def test_json_takes_the_schedule_of_it():
    for write in (la.to_json, la.to_dict):
        with pytest.raises(TypeError, match=r"`schedule` must be a Schedule.*`f\.schedule`"):
            write(la.as_function(FALL))
    for value in (0.1, optax.constant_schedule(0.1)):
        with pytest.raises(TypeError, match="`schedule` must be a Schedule"):
            la.to_json(value)

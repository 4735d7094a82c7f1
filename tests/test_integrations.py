"""A schedule of each class where JAX's libraries take one; `test_laws.py` has optax's."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint
import pytest
from every_schedule import ONE_OF_EACH_CLASS
from flax import nnx
from flax.training.train_state import TrainState

import log_anneal as la

STEPS = np.arange(4)

one_of_each_class = pytest.mark.parametrize("schedule", ONE_OF_EACH_CLASS, ids=repr)


def live_sgd(schedule):
    return optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(schedule))


@one_of_each_class
def test_flax_train_state_steps_at_the_schedules_rate(schedule):
    params = {"w": jnp.zeros(2)}
    state = TrainState.create(apply_fn=None, params=params, tx=optax.sgd(schedule))
    for step in STEPS:
        state = state.apply_gradients(grads={"w": jnp.ones(2)})
        travelled = schedule.at(STEPS[: step + 1]).sum()
        np.testing.assert_allclose(state.params["w"], [-travelled] * 2, rtol=1e-5)
    assert state.step == len(STEPS)


@one_of_each_class
def test_a_partition_gives_each_part_its_schedule(schedule):
    params = {"a": jnp.ones(2), "b": jnp.ones(2)}
    parts = {"a": optax.sgd(schedule), "b": optax.sgd(0.5)}
    optimizer = optax.partition(parts, {"a": "a", "b": "b"})
    state = optimizer.init(params)
    for step in STEPS:
        updates, state = optimizer.update(params, state, params)
        np.testing.assert_allclose(updates["a"], [-schedule.at(step)] * 2, rtol=1e-5)
        np.testing.assert_array_equal(updates["b"], [-0.5, -0.5])


@one_of_each_class
def test_is_live_and_swaps_in_inject_hyperparams(schedule):
    optimizer = live_sgd(schedule)
    state, other = optimizer.init(jnp.ones(2)), schedule.stretch(3)
    for step in STEPS:
        if step == 2:
            state = la.swap(state, learning_rate=other)
        updates, state = optimizer.update(jnp.ones(2), state)
        expected = (schedule if step < 2 else other).at(step)
        np.testing.assert_allclose(updates, [-expected] * 2, rtol=1e-5)
    (now,) = la.current(state)
    assert now.step == len(STEPS)
    np.testing.assert_allclose(now.rate, other.at(len(STEPS)), rtol=1e-6)


def test_optimizer_states_come_back_from_a_checkpoint_equal(tmp_path):
    states = [live_sgd(schedule).init(jnp.ones(2)) for schedule in ONE_OF_EACH_CLASS]
    moved = [state._replace(count=jnp.int32(9)) for state in states]
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "states", moved)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "states", states)
    assert jax.tree.structure(restored) == jax.tree.structure(moved)
    chex.assert_trees_all_equal(restored, moved)
    chex.assert_trees_all_equal_dtypes(restored, moved)
    assert [state.hyperparams_states["learning_rate"].schedule for state in restored] == (
        ONE_OF_EACH_CLASS
    )


class Model(nnx.Module):
    def __init__(self):
        self.encoder = nnx.Linear(2, 2, rngs=nnx.Rngs(0))
        self.head = nnx.List([nnx.Linear(2, 1, rngs=nnx.Rngs(0))])

    def __call__(self, inputs):
        return self.head[0](self.encoder(inputs))


def test_nnx_takes_groups_of_live_schedules_and_swaps_them():
    cosine = la.cyclical_cosine_schedule(peak_value=0.5, end_value=0.0, decay_steps=4)
    model, inputs = Model(), jnp.ones((1, 2))
    optimizer = nnx.Optimizer(
        model,
        la.groups(live_sgd, {"encoder/*": None, "head/0/bias": cosine, "*": cosine.stretch(2)}),
        wrt=nnx.Param,
    )
    chex.clear_trace_counter()

    @nnx.jit
    @chex.assert_max_traces(n=1)
    def step(model, optimizer):
        optimizer.update(model, nnx.grad(lambda model: model(inputs).sum())(model))

    frozen = model.encoder.kernel[...]
    rates = [*cosine.at(STEPS[:2]), 0.25]
    for rate in rates:
        bias = model.head[0].bias[...]
        if rate == rates[-1]:
            lower = la.cyclical_cosine_schedule(peak_value=0.25, end_value=0.0, decay_steps=4)
            state = la.swap(optimizer.opt_state, learning_rate=lower, from_step=0)
            nnx.update(optimizer.opt_state, nnx.state(state))
        step(model, optimizer)
        np.testing.assert_allclose(bias - model.head[0].bias[...], [rate], rtol=1e-5)
    chex.assert_trees_all_equal(model.encoder.kernel[...], frozen)
    assert [now.groups[0] for now in la.current(optimizer.opt_state)] == ["*", "head/0/bias"]
    assert {now.step for now in la.current(optimizer.opt_state)} == {1}


class VariantsTest(chex.TestCase):
    """With and without jit, on the device and not; values by pmap too."""

    schedule = la.cyclical_log_schedule(
        peak_value=0.1, end_value=1e-3, decay_steps=10, restart_steps=10, restart_multiplier=1.5
    )

    @chex.all_variants
    def test_is_the_float64_value(self):
        step = jnp.arange(40)
        values = self.variant(self.schedule)(step)
        np.testing.assert_allclose(np.broadcast_to(values, 40), self.schedule.at(step), rtol=1e-5)

    @chex.variants(with_jit=True, without_jit=True, with_device=True, without_device=True)
    def test_is_the_float64_value_as_an_argument(self):
        value = self.variant(lambda schedule, step: schedule(step))(self.schedule, 23)
        np.testing.assert_allclose(value, self.schedule.at(23), rtol=1e-5)

    @chex.variants(with_jit=True, without_jit=True, with_device=True, without_device=True)
    def test_is_live_in_an_update(self):
        optimizer = live_sgd(self.schedule)
        state = optimizer.init(jnp.ones(2))
        updates, _ = self.variant(optimizer.update)(jnp.ones(2), state)
        np.testing.assert_allclose(updates, [-0.1, -0.1], rtol=1e-5)

"""Constant and step decay."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import log_anneal as la


def test_a_constant_is_constant():
    np.testing.assert_array_equal(la.constant_schedule(0.1)(np.arange(-2, 3)), np.float32(0.1))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.97, 0.9999])
def test_step_decay_keeps_its_digits_after_many_decays(rate):
    schedule = la.step_decay_schedule(init_value=0.3, decay_steps=3, decay_rate=rate)
    last = int(np.log(1e-35) / np.log(rate))
    decays = np.unique(np.linspace(0, last, 500).astype(int))
    for steps in (3 * decays, 3 * decays + 2):
        np.testing.assert_allclose(schedule(steps), 0.3 * rate ** decays.astype(float), rtol=5e-6)


def test_step_decay_stops_at_the_end_value():
    schedule = la.step_decay_schedule(init_value=1.0, decay_steps=1, decay_rate=0.5, end_value=0.1)
    assert [schedule.at(step) for step in range(5)] == [1, 0.5, 0.25, 0.125, 0.1]
    assert schedule(2**31 - 1) == np.float32(0.1)


def test_step_decay_has_the_gradient_of_its_rate():
    def value(rate, step):
        return la.step_decay_schedule(init_value=2.0, decay_steps=10, decay_rate=rate)(step)

    np.testing.assert_allclose(jax.grad(value)(0.5, 35), 2 * 3 * 0.5**2, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(value)(0.5, 35), 0.25, rtol=1e-6)
    schedule = la.step_decay_schedule(init_value=2.0, decay_steps=10, decay_rate=0.5)
    slope = jax.grad(lambda s: s(35), allow_int=True)(schedule).decay_rate
    np.testing.assert_allclose(slope, 2 * 3 * 0.5**2, rtol=1e-6)


def test_step_decay_follows_a_rate_changed_inside_the_tree():
    schedule = la.step_decay_schedule(init_value=2.0, decay_steps=10, decay_rate=0.5)
    leaves, treedef = jax.tree.flatten(schedule)
    leaves[leaves.index(0.5)] = jnp.float32(0.25)
    np.testing.assert_allclose(treedef.unflatten(leaves)(20), 2 * 0.25**2, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decay_rate": 0}, r"`decay_rate` must be from 1e-30 to 1, got 0\.0.* Take 0\.1"),
        ({"decay_rate": 1.1}, r"`decay_rate` must be from 1e-30 to 1, got 1\.1"),
        ({"end_value": 2.0}, r"`end_value` must be from 0 to 1, got 2\.0.*lower `end_value`"),
        ({"decay_steps": 0}, "`decay_steps` must be at least 1 step"),
    ],
)
def test_step_decay_refuses_a_wrong_argument(change, message):
    arguments = {"init_value": 1.0, "decay_steps": 10, "decay_rate": 0.1} | change
    with pytest.raises(ValueError, match=message):
        la.step_decay_schedule(**arguments)

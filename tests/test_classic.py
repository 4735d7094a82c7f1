"""Constant and step decay."""

import jax
import numpy as np
import pytest

import log_anneal as la

SWING = {"init_value": 0.0, "peak_value": 1.0, "up_steps": 2}


def test_a_constant_is_constant():
    np.testing.assert_array_equal(la.constant_schedule(0.1)(np.arange(-2, 3)), np.float32(0.1))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.97, 0.9999])
def test_step_decay_keeps_its_digits_after_many_decays(rate):
    schedule = la.step_decay_schedule(init_value=0.3, decay_steps=3, decay_rate=rate)
    last = int(np.log(1e-35) / np.log(rate))
    decays = np.unique(np.linspace(0, last, 500).astype(int))
    for steps in (3 * decays, 3 * decays + 2):
        np.testing.assert_allclose(schedule(steps), 0.3 * rate ** decays.astype(float), rtol=1e-5)


def test_step_decay_stops_at_the_end_value():
    schedule = la.step_decay_schedule(init_value=1.0, decay_steps=1, decay_rate=0.5, end_value=0.1)
    np.testing.assert_allclose(schedule.at(np.arange(5)), [1, 0.5, 0.25, 0.125, 0.1], rtol=1e-14)
    assert schedule(2**31 - 1) == np.float32(0.1)


def test_step_decay_has_the_gradient_of_its_rate():
    def value(rate, step):
        return la.step_decay_schedule(init_value=2.0, decay_steps=10, decay_rate=rate)(step)

    np.testing.assert_allclose(jax.grad(value)(0.5, 35), 2 * 3 * 0.5**2, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(value)(0.5, 35), 0.25, rtol=1e-6)
    schedule = la.step_decay_schedule(init_value=2.0, decay_steps=10, decay_rate=0.5)
    slope = jax.grad(lambda s: s(35), allow_int=True)(schedule).decay_rate
    np.testing.assert_allclose(slope, 2 * 3 * 0.5**2, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decay_rate": 0}, r"`decay_rate` must be a number from 1e-30 to 1e\+20, got 0. Take 0"),
        ({"decay_rate": 1e31}, r"`decay_rate` must be a number from 1e-30 to 1e\+20, got 1e\+31"),
        ({"decay_rate": 1.1, "end_value": 0.01}, r"`end_value` must be from 1 to .* leave it out"),
        ({"end_value": 2.0}, r"`end_value` must be from 0 to 1, got 2\.0.*lower `end_value`"),
        ({"decay_steps": 0}, "`decay_steps` must be at least 1 step"),
    ],
)
def test_step_decay_refuses_a_wrong_argument(change, message):
    arguments = {"init_value": 1.0, "decay_steps": 10, "decay_rate": 0.1} | change
    with pytest.raises(ValueError, match=message):
        la.step_decay_schedule(**arguments)


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        (la.step_decay_schedule(init_value=1.0, decay_steps=5, decay_rate=0.5), "decay_rate"),
        (la.multi_step_schedule(init_value=1.0, milestones=[2, 5], decay_rate=0.5), "decay_rate"),
        (la.exponential_schedule(init_value=1.0, decay_steps=5, decay_rate=0.5), "decay_rate"),
        (
            la.clr_schedule(init_value=0.0, peak_value=1.0, up_steps=2, cycle_decay=0.5),
            "cycle_decay",
        ),
        (la.clr_schedule(init_value=0.0, peak_value=1.0, up_steps=2, step_decay=0.5), "step_decay"),
        (
            la.cyclical_linear_schedule(
                peak_value=1.0, end_value=0.0, decay_steps=3, restart_steps=4, restart_decay=0.5
            ),
            "restart_decay",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_ratio_that_is_changed_inside_the_tree_takes_effect(schedule, field):
    changed = jax.tree_util.tree_map_with_path(
        lambda path, leaf: 0.25 if jax.tree_util.keystr(path) == f".{field}" else leaf, schedule
    )
    steps = np.arange(20)
    expected = schedule.replace(**{field: 0.25}).at(steps)
    np.testing.assert_allclose(changed(steps), expected, rtol=1e-5)
    np.testing.assert_allclose(changed.at(steps), expected, rtol=1e-12)

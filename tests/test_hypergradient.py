"""The gradient of a final loss with respect to a schedule, and the descent along it."""

import dataclasses
import importlib.util

import jax
import numpy as np
import pytest
from small import ROOT

import log_anneal as la

SPEC = importlib.util.spec_from_file_location("hypergradient", ROOT / "docs/hypergradient.py")
hypergradient = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(hypergradient)

NUM_STEPS = 40
SEEN, HELD_OUT = jax.random.split(jax.random.key(0), (2, 16))
SCHEDULE = dataclasses.replace(
    hypergradient.SCHEDULE, warmup_steps=4, decay_steps=20, restart_steps=20, peak_value=0.1
)
LONG = dataclasses.replace(SCHEDULE, decay_steps=60)  # a restart would jump


def losses(schedules, keys=SEEN):
    return hypergradient.losses_of(la.stack(schedules), keys, NUM_STEPS)


@pytest.mark.parametrize(
    ("schedule", "field", "change", "rtol"),
    [
        (SCHEDULE, "peak_value", 0.003, 2e-3),
        (SCHEDULE, "restart_value", 0.0006, 2e-3),
        (SCHEDULE, "end_value", 0.0003, 2e-3),
        (SCHEDULE, "base", 0.5, 1e-2),
        (LONG, "decay_steps", 1, 1e-2),
    ],
)
def test_the_slope_of_the_final_loss_is_that_of_finite_differences(schedule, field, change, rtol):
    value = getattr(schedule, field)
    around = [
        dataclasses.replace(schedule, **{field: value + sign * change}) for sign in (0, 1, -1)
    ]
    loss, above, below = losses(around)
    expected = value * (above - below) / (2 * change) / loss
    found = hypergradient.elasticities(schedule, [field], SEEN, NUM_STEPS)[field]
    np.testing.assert_allclose(found, expected, rtol=rtol)


def test_the_descent_lowers_the_loss_on_noise_that_it_never_saw():
    learnt = hypergradient.descend(SCHEDULE, hypergradient.LEARNT, SEEN, NUM_STEPS, 5)
    before, after, _ = losses([SCHEDULE, learnt, learnt], HELD_OUT)
    assert after < 0.5 * before
    assert learnt.peak_value > 2 * SCHEDULE.peak_value
    assert learnt.decay_steps == SCHEDULE.decay_steps


def test_a_stack_of_schedules_trains_each_as_alone():
    others = [SCHEDULE, dataclasses.replace(SCHEDULE, base=1000.0), SCHEDULE.stretch(2)]
    alone = [hypergradient.loss_and_slopes(each, SEEN, NUM_STEPS)[0] for each in others]
    np.testing.assert_allclose(losses(others), alone, rtol=1e-5)
    assert len(set(map(float, alone))) == 3

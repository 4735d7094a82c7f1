"""Lengths that are nothing, and lengths that are no whole numbers of steps."""

import jax.numpy as jnp
import numpy as np
import pytest
from every_schedule import COSINE, FALL, RISE

import log_anneal as la


def test_a_part_of_0_steps_is_left_out_of_a_chain():
    assert la.chain([(RISE, 0), FALL]) == la.chain([FALL])
    assert la.chain([(RISE, 5), (0.1, 0), COSINE]) == la.chain([(RISE, 5), COSINE])
    assert la.chain([RISE, (FALL, 0)]) == la.chain([(RISE, 5)])
    with pytest.raises(ValueError, match="`schedules` must hold a part of at least 1 step, got"):
        la.chain([(RISE, 0)])


def test_one_cycle_without_a_warm_up_starts_at_the_peak():
    schedule = la.one_cycle_schedule(
        peak_value=1.0, init_value=0.5, end_value=0.0, warmup_steps=0, decay_steps=4, shape="linear"
    )
    assert [schedule.at(step) for step in (-1, 0, 1, 4, 9)] == [1.0, 1.0, 0.75, 0.0, 0.0]
    np.testing.assert_allclose(schedule(jnp.arange(5)), schedule.at(np.arange(5)), rtol=1e-6)
    assert schedule.momentum().at(0) == 0.85
    la.testing.check_schedule(schedule)


@pytest.mark.parametrize(
    ("make", "fields", "said"),
    [
        (la.warmup_stable_decay_schedule, {"stable_steps": 20}, "`decay_steps` .*plateau, 120"),
        (la.one_cycle_schedule, {}, "`decay_steps` must .* longer than the warm-up, 100 steps"),
        (la.cyclical_cosine_schedule, {"end_value": 0.0}, "longer than the warm-up, 100 steps"),
    ],
)
@pytest.mark.parametrize("decay", [0, -20])
def test_a_warm_up_as_long_as_the_run_is_told_how_long_it_is(make, fields, said, decay):
    if decay < 0 and make is la.cyclical_cosine_schedule:
        said = "`decay_steps` must be at least 0"
    with pytest.raises(ValueError, match=said):
        make(peak_value=0.1, warmup_steps=100, decay_steps=decay, **fields)

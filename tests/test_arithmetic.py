"""Differences, whole numbers, and the place of a step in what two schedules make."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from every_schedule import COSINE, FALL, RISE
from small import ROOT

import log_anneal as la

STEPS = np.arange(20)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (1 - RISE, lambda rise: 1 - rise),
        (RISE - 0.05, lambda rise: rise - 0.05),
        (RISE - RISE, lambda rise: 0 * rise),
        (-RISE, lambda rise: -rise),
        (np.float32(0.5) - RISE, lambda rise: 0.5 - rise),
        ((lambda step: 0.5) - RISE, lambda rise: 0.5 - rise),
        (2 * (1 - RISE), lambda rise: 2 - 2 * rise),
        ((RISE - 0.05) / 2, lambda rise: (rise - 0.05) / 2),
        (la.maximum(RISE - 0.05, 0), lambda rise: np.maximum(rise - 0.05, 0)),
    ],
    ids=lambda each: repr(each)[:40] if isinstance(each, la.Schedule) else "",
)
def test_a_difference_is_the_difference_of_the_values(made, expected):
    np.testing.assert_allclose(made.at(STEPS), expected(RISE.at(STEPS)), atol=1e-12)
    np.testing.assert_allclose(made(STEPS), expected(RISE.at(STEPS)), atol=1e-7)


def test_a_difference_keeps_the_laws():
    la.testing.check_schedule(1 - COSINE)
    la.testing.check_schedule(RISE - 0.05)


def test_a_product_of_differences_stays_in_its_bounds():
    huge = (0 - la.constant_schedule(1e30)) * 1e30
    assert huge.at(0) == -1e30 and huge(0) == np.float32(-1e30)
    assert (huge - 1e30).at(0) == -1e30 and np.isfinite((huge - 1e30)(0))


def test_a_number_below_0_is_told_to_subtract_it():
    with pytest.raises(ValueError, match=r"`second` must be .* got -0.1. Subtract it: `schedule -"):
        RISE + -0.1


@pytest.mark.parametrize(
    ("schedule", "length"),
    [
        (0.5 * FALL, 7),
        (FALL + RISE, 7),
        (RISE * FALL, 7),
        (1 - FALL, 7),
        (la.clip(FALL, 0.01, 0.05), 7),
        (la.maximum(0.01, FALL), 7),
        (la.loop(FALL) * FALL, 7),
        (FALL * la.inverse_sqrt_schedule(peak_value=1.0, warmup_steps=7), None),
    ],
    ids=repr,
)
def test_what_two_schedules_make_has_a_length_where_it_is_known(schedule, length):
    assert la.where_in(schedule, 3) == (0, 3, length)


def test_the_place_in_a_product_is_that_of_the_one_that_restarts():
    assert (
        la.where_in(0.5 * COSINE, 20) == la.where_in(COSINE, 20) == la.where_in(RISE * COSINE, 20)
    )


def test_a_whole_schedule_rounds_a_half_up_and_takes_any_shape():
    table = la.as_whole(la.tabulated_schedule([0.4, 0.5, 1.5, 2.4999, 1e30]))
    for run in (table, jax.jit(table)):
        values = run(jnp.arange(5))
        assert values.tolist() == [0, 1, 2, 2, 2**31 - 128] and values.dtype == jnp.int32
    assert la.as_whole(lambda step: 3.0)(7) == 3


def test_a_whole_schedule_says_how_many_batches_make_an_update_of_optax():
    batches = la.as_whole(la.chain([(1, 2), (2, 2), 3]))
    optimizer = optax.MultiSteps(optax.sgd(1.0), every_k_schedule=batches)
    state, update, updates = optimizer.init(jnp.ones(())), jax.jit(optimizer.update), []
    for _ in range(9):
        moved, state = update(jnp.ones(()), state)
        updates.append(bool(moved))
    assert updates == [True, True, False, True, False, True, False, False, True]


def test_mypy_knows_that_the_operators_make_a_schedule(tmp_path):
    made = ["s * 2", "0.5 * s", "s + 1", "1 + s", "1 - s", "s - 1", "-s", "s / 2"]
    lines = ["import log_anneal as la", "s = la.constant_schedule(0.1)"]
    lines += [f"reveal_type({each})" for each in made]
    path = tmp_path / "typed.py"
    path.write_text("\n".join(lines))
    run = [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(path)]
    said = subprocess.run(run, capture_output=True, text=True, cwd=ROOT).stdout
    assert said.count('Revealed type is "log_anneal._core.schedule.Schedule"') == len(made), said

"""Lengths that are nothing, and lengths that are no whole numbers of steps."""

import copy
import math
import pickle
from fractions import Fraction
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_schedule import COSINE, FALL, RISE

import log_anneal as la
from log_anneal._core.backend import MAX_STEP


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


def test_a_pickle_of_a_real_length_names_no_private_file():
    moved = jax.tree.map(lambda leaf: leaf, SEVENTHS)
    assert b"log_anneal._c" not in pickle.dumps(moved, 0)
    assert pickle.loads(pickle.dumps(moved)) == SEVENTHS


ENDS = {"peak_value": 1.0, "end_value": 0.01}
SEVENTHS = la.cyclical_cosine_schedule(**ENDS, decay_steps=900 / 7, restart_steps=900 / 7)
REAL = [
    SEVENTHS,
    la.cyclical_log_schedule(
        **ENDS, decay_steps=7.25, warmup_steps=2.5, restart_steps=10 / 3, restart_decay=0.9,
        base=50.0),
    la.cyclical_linear_schedule(**ENDS, decay_steps=4.5, restart_steps=9),
    la.cyclical_linear_schedule(**ENDS, decay_steps=4.5, restart_steps=9.5, num_restarts=4),
    la.cyclical_linear_schedule(
        **ENDS, decay_steps=0, restart_steps=9.5, restart_multiplier=1.5, warmup_steps=3.3),
    la.polynomial_schedule(init_value=1.0, end_value=0.1, decay_steps=12.5),
    la.warmup_stable_decay_schedule(
        peak_value=1.0, warmup_steps=2.5, stable_steps=3.25, decay_steps=9.5),
]  # fmt: skip


@pytest.mark.parametrize("schedule", REAL, ids=repr)
def test_a_schedule_of_real_lengths_keeps_the_laws(schedule):
    la.testing.check_schedule(schedule)
    for again in (copy.copy(schedule), pickle.loads(pickle.dumps(schedule)), schedule.replace()):
        assert again == schedule and repr(again) == repr(schedule)
    assert eval(repr(schedule), vars(la)) == schedule


@pytest.mark.parametrize("length", [900 / 7, 390.625, 391.3, 10 / 3, 1.5, 9.0])
@pytest.mark.parametrize("first", [0, 12, 12.75])
def test_the_kth_restart_is_at_the_first_step_at_or_after_the_real_one(length, first):
    schedule = la.cyclical_cosine_schedule(
        **ENDS, decay_steps=first, warmup_steps=0.5, restart_steps=length
    )
    start, period = Fraction(first) + Fraction(1, 2), Fraction(length).limit_denominator(1000)
    expected = [math.ceil(start + k * period) for k in range(not first, 3000)]
    assert schedule.first_restarts(len(expected)) == expected
    far = (MAX_STEP - 10**4 - start) // period
    for k in range(int(far), int(far) + 5):
        here = math.ceil(start + k * period)
        assert la.where_in(schedule, here)[:2] == (k + bool(first), 0)
        assert schedule.at(here) > 0.9 > 0.5 > schedule.at(here - 1) or length < 5


def test_cycles_of_a_real_length_have_the_values_of_the_equation_up_to_the_last_step():
    steps = np.concatenate([np.arange(1000), 2 ** np.arange(31) + 1, [MAX_STEP]])
    steps = np.minimum(steps, MAX_STEP)
    period = Fraction(900, 7)
    progress = [float(Fraction(int(step)) % period / period) for step in steps]
    expected = 0.01 + 0.99 * (1 + np.cos(np.pi * np.array(progress))) / 2
    np.testing.assert_allclose(SEVENTHS.at(steps), expected, rtol=1e-9)
    np.testing.assert_allclose(SEVENTHS(steps), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("step", [3, 200, 600, 905, 5000])
def test_the_slope_by_a_real_length_is_that_of_the_equation(step):
    schedule = la.cyclical_cosine_schedule(**ENDS, decay_steps=100.5, restart_steps=900 / 7)
    slope = jax.grad(lambda each: each(step), allow_int=True)(schedule)

    def value(decay, restart):
        progress = step / decay if step < decay else (step - decay) % restart / restart
        return 0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2

    by = 1e-6
    first = (value(100.5 + by, 900 / 7) - value(100.5 - by, 900 / 7)) / (2 * by)
    later = (value(100.5, 900 / 7 + by) - value(100.5, 900 / 7 - by)) / (2 * by)
    assert slope.decay_steps == pytest.approx(first, rel=1e-3, abs=1e-6)
    assert slope.restart_steps == pytest.approx(later, rel=1e-3, abs=1e-6)


def test_a_real_length_is_said_as_it_was_given_whatever_becomes_of_its_leaf():
    schedule = jax.device_put(SEVENTHS)
    moved = jax.tree.map(lambda leaf: leaf, schedule)
    assert repr(schedule).startswith("cyclical_cosine_schedule(peak_value=1.0, end_value=0.01, dec")
    vars(moved)["_numbers"] = moved._numbers | {"decay_steps": moved._numbers["decay_steps"] * 2}
    assert moved == schedule and la.to_dict(moved)["decay_steps"] == pytest.approx(900 / 7)


FACTORS = [390.625, 900 / 7, 0.5, 1 / 3, 12.1]


@pytest.mark.parametrize("factor", FACTORS)
def test_stretch_takes_any_factor_and_no_error_adds_up(factor):
    exact = Fraction(factor).limit_denominator(1000)
    cycles = la.cyclical_cosine_schedule(**ENDS, decay_steps=30, restart_steps=30).stretch(factor)
    assert cycles.first_restarts(500) == [math.ceil(30 * k * exact) for k in range(1, 501)]
    growing = la.cyclical_cosine_schedule(
        **ENDS, decay_steps=30, restart_steps=30, restart_multiplier=2.0
    )
    turns = [math.ceil(each * exact) for each in growing.first_restarts(12)]
    assert growing.stretch(factor).first_restarts(12) == turns
    chain = la.chain([(0.1 * k, 7) for k in range(1, 40)]).stretch(factor)
    assert chain.first_restarts(38) == [math.ceil(7 * k * exact) for k in range(1, 39)]
    stairs = la.multi_step_schedule(init_value=1.0, milestones=[7, 14, 15], decay_rate=0.5)
    assert list(stairs.stretch(factor).milestones) == [math.ceil(k * exact) for k in (7, 14, 15)]
    phases = la.warmup_stable_decay_schedule(
        peak_value=1.0, warmup_steps=7, stable_steps=7, decay_steps=7
    )
    assert phases.stretch(factor).duration == math.ceil(21 * exact)


def test_one_duration_that_repeats_by_itself_is_rounded_up_once():
    stairs = la.step_decay_schedule(init_value=1.0, decay_steps=30, decay_rate=0.5)
    assert stairs.stretch(390.625).decay_steps == 11_719
    assert la.loop(RISE, 5).stretch(0.5).period_steps == 3
    assert la.shift(RISE, -5).stretch(0.5).shift_steps == -2


def test_what_floats_have_rounded_is_no_step():
    assert 0.1 * 3 * 10 > 3 and la.shift(RISE, 10).stretch(0.1 * 3).shift_steps == 3
    rounded = la.polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=0.1 * 3 * 10)
    assert rounded.decay_steps == 3 and isinstance(rounded.decay_steps, int)


def test_a_length_may_become_no_steps_and_is_refused_then():
    with pytest.raises(ValueError, match=r"`part_steps\[1\]` must be at least 1 step"):
        la.chain([(0.1, 1), (0.2, 1), 0.3]).stretch(0.5)
    with pytest.raises(ValueError, match="`decay_steps` must be a number from 1 to .* got 0.5"):
        la.polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=5).stretch(0.1)


def test_seven_cycles_in_900_steps_are_seven():
    starts = list(islice(SEVENTHS._restarts(), 7))
    assert starts == [129, 258, 386, 515, 643, 772, 900]

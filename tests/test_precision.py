"""float32 on the device against float64 on the host, up to the last step."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from every_schedule import EVERY_SCHEDULE, OF_FUNCTIONS, ONE_OF_EACH_CLASS
from on_device import SIZE, on_device

import log_anneal as la
from log_anneal._core.backend import (
    MAX_STEP,
    Device,
    Host,
    KnownLog,
    known_log,
    log_of_change,
)

MAX_ULPS = 4
"""Of the largest value."""

MAX_RELATIVE_ERROR = 1e-5
"""Of every value that float32 has digits for, down to its smallest normal number."""

NO_RELATIVE_BOUND = {
    "equation_4": "its two terms may cancel, at a value of 0 altogether",
    "cyclical": "one minus a weight of the user's own is the other weight",
}
"""By form or by name, with the reason."""

TINY = np.finfo(np.float32).tiny


def steps_of_interest(schedule):
    """Around restarts and the end, and at every scale up to the last step."""
    turns = np.array([0, schedule.duration or 0, *schedule.first_restarts(150)])
    near = (turns[:, None] + np.arange(-2, 3)).ravel()
    draws = np.random.default_rng(0).integers(0, 2**31, SIZE) >> np.arange(SIZE) % 31
    steps = np.concatenate([[MAX_STEP - 1, MAX_STEP], near, draws])[:SIZE]
    return np.clip(np.unique(steps), 0, MAX_STEP)


@pytest.mark.parametrize("schedule", EVERY_SCHEDULE + OF_FUNCTIONS, ids=repr)
def test_float32_is_the_float64_value_up_to_the_last_step(schedule):
    words = {schedule.name, getattr(schedule, "form", "")}
    schedules = [schedule]
    if schedule not in OF_FUNCTIONS:
        schedules += [schedule.stretch(391), schedule.stretch(1_000_003)]
    for each in schedules:
        steps = steps_of_interest(each)
        expected, values = each.at(steps), on_device(each, steps)
        assert np.isfinite(values).all() and (values >= 0).all()
        errors = np.abs(values - expected)
        worst = np.argmax(errors)
        ulp = np.spacing(np.float32(expected.max()))
        assert errors[worst] <= MAX_ULPS * ulp, (each, steps[worst], values[worst], expected[worst])
        assert (values[expected < TINY] <= TINY).all()
        if not words & set(NO_RELATIVE_BOUND):
            relative = np.where(expected < TINY, 0, errors / np.maximum(expected, TINY))
            worst = np.argmax(relative)
            where = each, steps[worst], values[worst], expected[worst]
            assert relative[worst] < MAX_RELATIVE_ERROR, where


@pytest.mark.parametrize("rate", [0.9999999, 0.97, 0.5, 0.3, 1e-3, 1e-29])
@pytest.mark.parametrize("make", [la.step_decay_schedule, la.exponential_schedule])
def test_a_decay_keeps_its_digits_until_it_underflows(make, rate):
    schedule = make(init_value=0.3, decay_steps=3, decay_rate=rate)
    last = min(int(np.log(TINY / 0.3) / np.log(rate) * 3), MAX_STEP - 2)
    steps = np.unique(np.linspace(0, last, SIZE).astype(int))
    expected = schedule.at(steps)
    normal = expected >= TINY
    values = on_device(schedule, steps)
    np.testing.assert_allclose(values[normal], expected[normal], rtol=MAX_RELATIVE_ERROR)


@pytest.mark.parametrize("end", [0.0, 1e-6])
@pytest.mark.parametrize(
    ("make", "fields"),
    [
        (la.cyclical_log_schedule, {"base": 1.000001}),
        (la.cyclical_log_schedule, {"base": 1000.0}),
        (la.cyclical_log_schedule, {"base": 1e18}),
        (la.cyclical_cosine_schedule, {}),
        (la.cyclical_linear_schedule, {}),
        (la.cyclical_polynomial_schedule, {"power": 0.3}),
        (la.cyclical_polynomial_schedule, {"power": 3.0}),
        (la.cyclical_exponential_schedule, {"base": 1.000001}),
        (la.cyclical_exponential_schedule, {"base": 1e18}),
    ],
)
def test_a_cycle_of_2_31_steps_keeps_its_digits_down_to_the_end_value(make, fields, end):
    schedule = make(peak_value=0.1, end_value=end, decay_steps=MAX_STEP, **fields)
    scales = 2 ** np.arange(31)
    steps = np.unique(np.concatenate([scales, MAX_STEP - scales, [0, MAX_STEP]]))
    values = on_device(schedule, steps)
    expected = schedule.at(steps)
    normal = (expected >= TINY) | (expected == 0)
    np.testing.assert_allclose(values[normal], expected[normal], rtol=MAX_RELATIVE_ERROR)


def in_a_chain(schedule):
    return la.chain([(0.5, 7), schedule])


WAYS = {
    "an array": lambda schedule, steps: schedule(steps),
    "vmap of steps": jax.vmap(lambda schedule, step: schedule(step), (None, 0)),
    "vmap of a stack": lambda schedule, steps: jax.vmap(lambda each: each(steps))(
        jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), schedule)
    )[1],
    "in a chain": lambda schedule, steps: in_a_chain(schedule)(steps + 7),
    "in a chain, vmap": lambda schedule, steps: jax.vmap(in_a_chain(schedule))(steps + 7),
    "in a product": lambda schedule, steps: (schedule * 1.0)(steps),
    "in a loop": lambda schedule, steps: la.loop(schedule, MAX_STEP)(steps),
    "later": lambda schedule, steps: la.shift(schedule, 7)(steps + 7),
}
DECAYS = [
    la.exponential_schedule(init_value=1.0, decay_steps=1, decay_rate=0.99),
    la.step_decay_schedule(init_value=1.0, decay_steps=1, decay_rate=0.99),
    la.clr_schedule(
        init_value=0.0, peak_value=1.0, up_steps=1, step_decay=0.999, cycle_decay=0.997
    ),
    la.cyclical_cosine_schedule(
        peak_value=1.0, end_value=0.0, decay_steps=1, restart_steps=1, restart_decay=0.99
    ),
    la.multi_step_schedule(init_value=1.0, milestones=range(1000), decay_rate=0.99),
]
"""Whose values lose digits with each step, if the logarithm of a rate has too few."""


def assert_has_its_digits(schedules, compute):
    """By one program for all of them."""
    steps = np.arange(1000)
    for schedule, values in zip(schedules, compute(schedules, jnp.asarray(steps)), strict=True):
        expected = schedule.at(steps)
        errors = np.abs(values - expected) / np.maximum(expected, 1e-3 * expected.max())
        assert errors.max() < 5e-6, (schedule, np.argmax(errors), errors.max())


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_call_a_schedule_loses_digits(way):
    run = WAYS[way]
    others = [each for each in ONE_OF_EACH_CLASS if each.name != "chain"]
    assert_has_its_digits(
        DECAYS + (others if way == "in a chain" else []),
        jax.jit(lambda each, steps: [run(schedule, steps) for schedule in each]),
    )


@pytest.mark.parametrize("way", ["an array", "in a chain"])
def test_a_schedule_that_is_a_constant_of_the_program_loses_no_digits(way):
    run = WAYS[way]
    assert_has_its_digits(
        DECAYS, jax.jit(lambda _, steps: [run(schedule, steps) for schedule in DECAYS])
    )


@pytest.mark.parametrize("by", [1e-3, 1.0 + 1e-6, 0.7, 1.4])
def test_a_rate_that_has_changed_since_has_its_digits_too(by):
    known = known_log(0.6)
    value, of = np.float32(0.6 * by), np.float32(0.6)
    expected = np.log(np.float64(value) / np.float64(of))
    for xp, kind in ((Host, float), (Device, jnp.float32)):
        ours = float(log_of_change(kind(value), KnownLog(known.log, kind(of)), xp))
        assert ours == pytest.approx(expected, rel=1e-6)
        same = KnownLog(known.log, jnp.float32(0.6))
        slope = jax.grad(lambda value, same=same: log_of_change(value, same, Device))(0.6)
        assert slope == pytest.approx(1 / 0.6, rel=1e-6)


GROWING = [
    la.exponential_schedule(init_value=1e-6, decay_steps=7, decay_rate=1.1, end_value=0.3),
    la.exponential_schedule(init_value=0.1, decay_steps=7, decay_rate=1.5),
    la.step_decay_schedule(init_value=0.1, decay_steps=7, decay_rate=1.01, end_value=0.2),
    la.step_decay_schedule(init_value=1e-30, decay_steps=1, decay_rate=1e20),
    la.multi_step_schedule(init_value=0.1, milestones=range(0, 600, 3), decay_rate=2.0),
    la.clr_schedule(init_value=0.1, peak_value=0.2, up_steps=3, cycle_decay=1.1, step_decay=1.01),
    la.clr_schedule(init_value=0.2, peak_value=0.1, up_steps=3, cycle_decay=1.5, down_steps=1),
    la.cyclical_cosine_schedule(
        peak_value=0.1, end_value=0.01, decay_steps=5, restart_steps=5, restart_decay=1.3
    ),
    la.exponential_schedule(init_value=1e20, decay_steps=1, decay_rate=0.5, end_value=1e-20),
]


@pytest.mark.parametrize("schedule", GROWING, ids=repr)
def test_a_growing_rate_keeps_the_laws_up_to_its_bound(schedule):
    la.testing.check_schedule(schedule)
    values = schedule.at(np.arange(5000))
    assert values.min() >= 0 and values.max() <= 1e30


@pytest.mark.parametrize("rate", [0.9, 1.1])
@pytest.mark.parametrize("staircase", [False, True])
@pytest.mark.parametrize("end", [None, 0.05, 2.0])
def test_a_decay_or_growth_with_an_end_is_that_of_optax(rate, staircase, end):
    if end is not None and (end > 1) != (rate > 1):
        end = None
    make = la.step_decay_schedule if staircase else la.exponential_schedule
    bound = {} if end is None else {"end_value": end}
    ours = make(init_value=1.0, decay_steps=5, decay_rate=rate, **bound)
    theirs = optax.exponential_decay(1.0, 5, rate, staircase=staircase, end_value=end)
    expected = [theirs(step) for step in range(200)]
    np.testing.assert_allclose(ours.at(np.arange(200)), expected, rtol=1e-5)


def test_a_growth_ends_where_it_first_is_at_its_end():
    ends = [each.duration for each in GROWING[:4]]
    for schedule, end in zip(GROWING[:4], ends, strict=True):
        if end:
            assert schedule.at(end) == schedule.at(MAX_STEP) > schedule.at(end - 1)
    assert ends[0] and ends[1] is None and ends[2]


def test_a_traced_rate_may_grow():
    def value(rate):
        return la.exponential_schedule(init_value=1.0, decay_steps=1, decay_rate=rate)(3)

    assert jax.jit(value)(2.0) == pytest.approx(8, rel=1e-6)
    assert jax.grad(value)(2.0) == pytest.approx(12, rel=1e-5)

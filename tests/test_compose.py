"""Schedules made of schedules, and what reviewers broke once."""

import itertools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import log_anneal as la
from log_anneal._core.timeline import restarts_from
from log_anneal.fields import duration

FALL = la.polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=4)
WAVES = la.cyclical_cosine_schedule(
    peak_value=0.1, end_value=0.0, decay_steps=10, restart_steps=5, restart_multiplier=1.5
)
STAIRS = la.multi_step_schedule(init_value=1.0, milestones=[1], decay_rate=0.1)


def equations(schedule):
    jaxpr = jax.make_jaxpr(lambda schedule, step: schedule(step))(schedule, jnp.int32(0)).jaxpr

    def count(jaxpr):
        values = jax.tree.leaves([list(equation.params.values()) for equation in jaxpr.eqns])
        inner = (getattr(value, "jaxpr", value) for value in values)
        return len(jaxpr.eqns) + sum(count(each) for each in inner if hasattr(each, "eqns"))

    return count(jaxpr)


@pytest.mark.parametrize("make", [lambda n: la.polynomial_schedule(
    init_value=0.1, end_value=n / 1e4, decay_steps=5 + n), lambda n: WAVES.replace(
    decay_steps=5 + n)])  # fmt: skip
def test_a_chain_of_a_thousand_parts_is_the_program_of_ten(make):
    """One of 1,024 parts is found by six halvings more than one of 16, of six equations each."""
    chains = [la.chain([(make(n), 3 + n % 5) for n in range(count)]) for count in (10, 1000)]
    assert equations(chains[1]) - equations(chains[0]) == 6 * 6
    steps = np.arange(chains[1].first_restarts(1000)[-1] + 10)
    np.testing.assert_allclose(chains[1](steps), chains[1].at(steps), atol=5e-8)


def test_a_chain_is_its_parts_one_after_the_other():
    chain = la.chain([FALL, (lambda step: 0.5 + 0 * step, 3), WAVES])
    expected = [FALL.at(step) for step in range(4)] + [0.5] * 3
    expected += [WAVES.at(step) for step in range(30)]
    steps = np.arange(37)
    np.testing.assert_allclose(chain.at(steps), expected, rtol=1e-12)
    np.testing.assert_allclose(chain(steps), expected, rtol=1e-5, atol=1e-8)
    assert chain.first_restarts(3) == [4, 7, 17]
    assert la.where_in(chain, 5) == (1, 1, 3)


def test_long_vectors_of_steps_are_looked_up_in_pieces():
    chain = la.chain([(WAVES, 700), (FALL, 700), WAVES])
    steps = np.arange(2500)
    np.testing.assert_allclose(chain(steps), chain.at(steps), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("schedule", "duration"),
    [
        (la.step_decay_schedule(
            init_value=1.0, decay_steps=500_000_000, decay_rate=0.5, end_value=0.01), None),
        (la.step_decay_schedule(
            init_value=1.0, decay_steps=10, decay_rate=0.5, end_value=0.25), 20),
        (la.exponential_schedule(
            init_value=1.0, decay_steps=10, decay_rate=0.5, end_value=0.25), 20),
        (la.chain([(0.1, 2**30), FALL.replace(decay_steps=2**31 - 1)]), None),
        (la.chain([FALL, (0.2, 3)]), 4),
        (la.tabulated_schedule([0.1, 0.2, 0.3], interval_steps=2**30), 2**30),
        (la.shift(FALL, 7), 11),
        (FALL * WAVES, None),
        (FALL * 0.5, 4),
    ],
)  # fmt: skip
def test_knows_when_it_ends(schedule, duration):
    assert schedule.duration == duration
    if duration:
        assert len(set(schedule.at(np.arange(duration, duration + 50)).tolist())) == 1
        assert schedule.at(duration - 1) != schedule.at(duration) or schedule.duration == 4


def test_replacing_keeps_durations_that_float32_does_not_hold():
    returned = jax.device_put(FALL.replace(decay_steps=2**24 + 1))
    assert returned.replace(end_value=0.5).decay_steps == 2**24 + 1
    parts = jax.tree.map(lambda leaf: leaf, la.chain([(WAVES, 3), FALL])).replace().parts
    assert parts[0].replace(peak_value=0.5).peak_value == 0.5


def at_decay_steps(schedule, decay_steps, step):
    paths, tree = jax.tree_util.tree_flatten_with_path(schedule)
    leaves = [
        decay_steps if jax.tree_util.keystr(path) == ".decay_steps" else leaf
        for path, leaf in paths
    ]
    return jax.tree.unflatten(tree, leaves)(step)


def test_durations_have_second_derivatives():
    schedule = FALL.replace(decay_steps=10)  # 1 - 3 / T at step 3
    value = jax.grad(jax.grad(lambda steps: at_decay_steps(schedule, steps, 3)))(10.0)
    np.testing.assert_allclose(value, -6 / 1000, rtol=1e-5)


def test_a_shape_with_an_endless_slope_at_its_end_has_finite_gradients_after_it():
    schedule = la.cyclical_schedule(
        shape=lambda p, xp: xp.sqrt(1 - p), peak_value=1.0, end_value=0.1, decay_steps=4
    )
    for step in (2, 4, 100):
        slope = jax.grad(lambda each, step=step: each(step), allow_int=True)(schedule)
        assert np.isfinite(slope.decay_steps)
    assert schedule(100) == np.float32(0.1)


def test_tables_take_traced_values():
    assert jax.grad(lambda value: la.tabulated_schedule([value, 0.5])(0))(1.0) == 1
    values = jnp.array([0.1, 0.2])
    assert jax.jit(lambda values: la.tabulated_schedule(values)(1))(values) == np.float32(0.2)
    with pytest.raises(TypeError, match="`milestones` must be known"):
        jax.jit(
            lambda steps: la.multi_step_schedule(init_value=1.0, milestones=steps, decay_rate=0.1)(
                0
            )
        )(np.array([1, 2]))


def test_works_where_ranks_must_not_be_promoted():
    with jax.numpy_rank_promotion("raise"):
        np.testing.assert_allclose(WAVES(jnp.arange(5)), WAVES.at(np.arange(5)), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: la.shift(FALL, 2.5), "`steps` must be a whole number"),
        (lambda: la.loop(la.constant_schedule(0.1)), "`steps` must be given .* length of a turn"),
        (lambda: la.loop(FALL, 0), "`steps` must be at least 1 step"),
        (lambda: la.chain((FALL, 10)), r"`schedules` must be .* Give `\[\(schedule, steps\)\]`"),
        (lambda: la.chain([WAVES, FALL]), r"`schedules\[0\]` must have a length.*no end"),
        (lambda: la.chain([]), "`schedules` must be a sequence of at least one"),
        (lambda: FALL * -1, "`second` must be a number from 0"),
        (lambda: FALL * "a", "`second` must be a schedule, a function of the step or a number"),
        (lambda: la.stack([FALL, FALL]) * 0.5, "`first` must be a single schedule, got a stack"),
        (lambda: la.stack([FALL, WAVES]), r"`schedules\[1\]` must have the class"),
        (lambda: la.stack([FALL, 0.1]), r"`schedules\[1\]` must be a schedule"),
        (lambda: la.clip(FALL, 0.5, 0.1), "`low` must be at most `high`"),
        (lambda: FALL.first_restarts(-1), "`count` must be at least 0"),
        (lambda: WAVES.replace(num_restarts=2.5), "`num_restarts` must be a whole number"),
        (lambda: la.function_schedule(function=lambda step: jnp.ones(2))(0), "one number"),
    ],
)
def test_refuses_with_the_way_out(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_function_cannot_be_stretched_or_written():
    schedule = la.function_schedule(function=lambda step: 0.1 + 0.0 * step)
    with pytest.raises(TypeError, match="`function` must be a schedule to be stretched.*tabulated"):
        schedule.stretch(2)
    with pytest.raises(TypeError, match="`function` must be data to be written.*tabulated"):
        la.to_json(schedule)


RESTARTING = [
    la.cyclical_cosine_schedule(peak_value=1.0, end_value=0.0, decay_steps=4, **options)
    for options in (
        {},
        {"restart_steps": 3},
        {"restart_steps": 3, "num_restarts": 4},
        {"restart_steps": 3, "restart_multiplier": 1.5},
        {"restart_steps": 2.5},
        {"restart_steps": 2.3, "warmup_steps": 2},
    )
]
COMPOSED = [
    *RESTARTING,
    la.cyclical_cosine_schedule(peak_value=1.0, end_value=0.0, decay_steps=0, restart_steps=2.5),
    la.loop(RESTARTING[3], 11),
    la.chain([(RESTARTING[1], 8), (RESTARTING[4], 9), RESTARTING[3]]),
    la.shift(la.shift(RESTARTING[4], -7), -5),
    la.shift(RESTARTING[4], 6) * RESTARTING[1],
    la.clr_schedule(init_value=0.0, peak_value=1.0, up_steps=2),
]


@pytest.mark.parametrize("schedule", COMPOSED, ids=repr)
def test_the_restarts_from_a_step_on_are_those_that_are_not_before_it(schedule):
    known = schedule.restarts(60)
    for step in range(50):
        later = itertools.takewhile(lambda start: start < 60, restarts_from(schedule, step))
        assert list(later) == [start for start in known if start >= step], step


@pytest.mark.parametrize("steps", [1, 2.5])
def test_restarts_are_found_far_into_an_endless_schedule(steps):
    # A thousand million restarts lie before these: to count through them would take minutes.
    cycle = la.cyclical_cosine_schedule(
        peak_value=1.0, end_value=0.0, decay_steps=steps, restart_steps=steps
    )
    begin = 2**31 - 20
    numbers = range(int(begin / steps), int((begin + 19) / steps) + 1)
    starts = [math.ceil(Fraction(steps) * n) - begin for n in numbers]
    expected = [start for start in starts if 0 < start < 20]
    late = la.shift(cycle, -begin)
    assert late.restarts(30) == (late + 1.0).restarts(30) == expected
    assert la.shift(la.shift(cycle, -(2**30)), 2**30 - begin).restarts(30) == expected
    looped = la.shift(la.loop(cycle, 2**31 - 1), -begin)
    assert looped.restarts(18) == [start for start in expected if start < 18]
    assert la.where_in(late * cycle, 3).length in (steps - 0.5, steps, steps + 0.5)


class Sawtooth(la.Schedule):
    """A schedule of the user's own, whose restarts are counted."""

    period_steps: int = duration()

    def value_at(self, step, xp):
        return (step % self.period_steps) / self.period_steps

    def restarts_at(self):
        return itertools.count(self.period_steps, self.period_steps)


def test_restarts_of_a_part_that_is_over_are_not_counted_through():
    late = la.cyclical_cosine_schedule(
        peak_value=1.0, end_value=0.0, decay_steps=10**8, restart_steps=10**8
    )
    chain = la.chain([(Sawtooth(period_steps=5), 12), late])
    assert la.shift(chain, -(10**9)).first_restarts(2) == [12, 10**8 + 12]
    assert la.where_in(la.shift(chain, -2 * 10**9) * 1.0, 5).cycle == 1
    assert chain.restarts(13) == [5, 10, 12]


def test_a_subclass_of_a_composition_may_restart_elsewhere():
    class Twice(la.LoopSchedule):
        def restarts_at(self):
            return [3, 9]

    twice = Twice(part=FALL, period_steps=10)
    assert twice.first_restarts(3) == [3, 9]
    assert la.shift(twice, -4).first_restarts(3) == [5]
    assert (twice + la.shift(twice, 1)).first_restarts(9) == [3, 4, 9, 10]

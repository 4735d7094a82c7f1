"""Restarts against sums of exact fractions."""

import math
from fractions import Fraction
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_schedule import CYCLE

import log_anneal as la
from log_anneal._cycle import locate, simplest_fraction, tabulate
from log_anneal._numeric import MAX_STEP, Device, Host

MULTIPLIERS = [*map(float, range(2, 11)), 1.1, 1.5, 0.5, 1.0, 5 / 3, 1 / 3, 0.9]
DENOMINATORS = {
    1.1: Fraction(11, 10),
    5 / 3: Fraction(5, 3),
    1 / 3: Fraction(1, 3),
    0.9: Fraction(9, 10),
}
INTERVALS = [1, 2, 3, 5, 7, 10, 30, 391, 781, 1000, 5005]


def boundaries(first, interval, multiplier, at_most):
    """The whole steps of the restarts, from exact fractions."""
    exact = DENOMINATORS.get(multiplier, Fraction(multiplier))
    start, length, steps = Fraction(first), Fraction(interval), []
    while start <= MAX_STEP and length >= 1 and len(steps) < at_most:
        steps.append(math.ceil(start))
        start, length = start + length, length * exact
    return steps


def row_starts(cycles, expected, multiplier):
    if multiplier == 1:
        return [int(cycles.start[2] + n * cycles.period[2]) for n in range(len(expected))]
    return cycles.start[2 : 2 + len(expected)].tolist()


def test_every_restart_falls_on_its_exact_step_on_host_and_device():
    on_device = jax.jit(lambda cycles, step: locate(cycles, step, Device))
    checked = 0
    for multiplier in MULTIPLIERS:
        for interval in INTERVALS:
            expected = boundaries(17, interval, multiplier, 250)
            cycles = tabulate(5, 12, interval, multiplier)
            assert row_starts(cycles, expected, multiplier) == expected
            lists = type(cycles)(*(column.tolist() for column in cycles))
            steps = np.resize(expected, 256)  # one shape, one trace
            at, before = (on_device(cycles, jnp.asarray(s, jnp.int32)) for s in (steps, steps - 1))
            assert not np.asarray(at.elapsed).any()
            np.testing.assert_array_equal(
                np.asarray(before.elapsed)[1 : len(expected)], np.diff(expected) - 1
            )
            for step in expected:
                assert locate(lists, step, Host).elapsed == 0
            checked += len(expected)
    assert checked > 3739


@pytest.mark.parametrize("multiplier", [1.1, 1.5, 2.0, 0.5, 1.0])
def test_progress_is_the_exact_fraction_of_the_cycle(multiplier):
    exact = DENOMINATORS.get(multiplier, Fraction(multiplier))
    cycles = tabulate(0, 3, 7, multiplier)
    lists = type(cycles)(*(column.tolist() for column in cycles))
    for step in range(3, 300):
        start, length = Fraction(3), Fraction(7)
        while step >= start + length and length >= 1:
            start, length = start + length, length * exact
        expected = (step - start) / length if length >= 1 else 1
        place = locate(lists, step, Host)
        assert math.isclose(place.progress, expected, rel_tol=1e-14)
        assert math.isclose(place.remainder, 1 - expected, rel_tol=1e-12, abs_tol=0)


def test_remainder_keeps_its_digits_where_a_cycle_is_about_to_end():
    cycles = tabulate(0, 3, 7, 1.1)
    lists = type(cycles)(*(column.tolist() for column in cycles))
    steps = cycles.last[2:150]
    remainder = jax.jit(lambda steps: locate(cycles_on_device(cycles), steps, Device))(
        steps
    ).remainder
    expected = [locate(lists, step, Host).remainder for step in steps.tolist()]
    np.testing.assert_allclose(remainder, expected, rtol=1e-6)


def cycles_on_device(cycles):
    kinds = (jnp.int32,) * 3 + (jnp.float32,) * 2
    return type(cycles)(*(jnp.asarray(c, kind) for c, kind in zip(cycles, kinds, strict=True)))


def test_shrinking_cycles_end_before_they_are_shorter_than_one_step():
    schedule = la.cyclical_cosine_schedule(
        peak_value=1.0, end_value=0.1, decay_steps=4, restart_steps=8, restart_multiplier=0.5
    )
    assert schedule.restarts(1000) == [4, 12, 16, 18]
    assert schedule.at(18) == 1.0 and schedule.at(19) == schedule.at(10**9) == 0.1


def test_durations_up_to_the_last_step_are_taken():
    schedule = la.cyclical_cosine_schedule(
        peak_value=1.0, end_value=0.5, decay_steps=MAX_STEP, warmup_steps=MAX_STEP, restart_steps=1
    )
    assert schedule.restarts(10) == []
    assert schedule(MAX_STEP) == schedule.at(MAX_STEP) == 1.0
    growing = la.cyclical_cosine_schedule(
        peak_value=1.0, end_value=0.0, decay_steps=1, restart_steps=MAX_STEP, restart_multiplier=1e6
    )
    np.testing.assert_allclose(growing(MAX_STEP), math.sin(math.pi / 2 / MAX_STEP) ** 2, rtol=1e-6)


def equations(jaxpr):
    """Of a program and of those inside it."""
    values = jax.tree.leaves([list(equation.params.values()) for equation in jaxpr.eqns])
    inner = (getattr(value, "jaxpr", value) for value in values)
    return len(jaxpr.eqns) + sum(equations(each) for each in inner if hasattr(each, "eqns"))


@pytest.mark.parametrize(
    "factory",
    [
        la.cyclical_log_schedule,
        partial(la.cyclical_log_schedule, form="equation_4"),
        la.cyclical_cosine_schedule,
    ],
)
def test_a_thousand_cycles_take_the_program_of_ten(factory):
    counts = set()
    for restart_steps, multiplier in [(10, 2.0), (10, 1.0), (1, 1.0), (1, 1.01)]:
        cycles = {"restart_steps": restart_steps, "restart_multiplier": multiplier}
        schedule = factory(**CYCLE | cycles)
        as_closure = jax.make_jaxpr(lambda step, schedule=schedule: schedule(step))(jnp.int32(0))
        as_argument = jax.make_jaxpr(lambda schedule, step: schedule(step))(schedule, jnp.int32(0))
        counts |= {equations(as_closure.jaxpr), equations(as_argument.jaxpr)}
    assert len(counts) == 1 and counts.pop() <= 60


def test_the_count_of_equations_looks_into_every_program():
    def branches(x):
        return jax.lax.cond(x > 0, jax.jit(jnp.sin), lambda x: x * 2 + 1, x)

    plain, nested = jax.make_jaxpr(jnp.sin)(1.0), jax.make_jaxpr(branches)(1.0)
    assert equations(plain.jaxpr) == 1
    assert equations(nested.jaxpr) == len(nested.jaxpr.eqns) + 4


def test_too_many_cycles_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"`restart_multiplier` 1\.00001 .* Take exactly 1\.0"):
        tabulate(0, 1, 1, 1.00001)


@pytest.mark.parametrize("factory", [la.cyclical_log_schedule, la.cyclical_cosine_schedule])
def test_one_table_size_holds_every_multiplier_that_the_docstring_says(factory):
    sizes = set()
    for restart_steps in (1, 10, 10**6, MAX_STEP):
        for multiplier in (1.04, 1.05, 2.0, 1e6, 1.0, 0.95, 0.5, 1e-6):
            cycles = {"restart_steps": restart_steps, "restart_multiplier": multiplier}
            sizes |= {len(column) for column in factory(**CYCLE | cycles)._derived}
    assert len(sizes) == 1


def test_the_fraction_is_the_one_that_the_float_was_written_for():
    assert simplest_fraction(1.1) == Fraction(11, 10)
    assert simplest_fraction(5 / 3) == Fraction(5, 3)
    assert simplest_fraction(math.pi) == Fraction(math.pi)

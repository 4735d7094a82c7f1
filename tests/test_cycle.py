"""Where a step lies, against sums of exact fractions."""

import math
from fractions import Fraction
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_schedule import CYCLE

import log_anneal as la
from log_anneal._core.backend import MAX_STEP, Device, Host
from log_anneal._core.check import simplest_fraction
from log_anneal._curve.cycle import RESTART, cycle_table
from log_anneal._curve.table import locate

MULTIPLIERS = [*map(float, range(2, 11)), 1.1, 1.5, 0.5, 5 / 3, 1 / 3, 0.9]
EXACT = {1.1: Fraction(11, 10), 5 / 3: Fraction(5, 3), 1 / 3: Fraction(1, 3), 0.9: Fraction(9, 10)}
INTERVALS = [1, 2, 3, 5, 7, 10, 30, 391, 781, 1000, 5005]


def cycles(first, interval, multiplier, at_most=None):
    """The real start and length of every cycle that starts below 2^31, as exact fractions."""
    ratio = EXACT.get(multiplier, Fraction(multiplier))
    start, length, both = Fraction(first), Fraction(interval), []
    while math.ceil(start) <= MAX_STEP and length >= 1 and len(both) != at_most:
        both.append((start, length))
        start, length = start + length, length * ratio
    return both


def part_left(step, cycle):
    """The exact part of the cycle that is ahead of a step."""
    start, length = cycle
    return float(1 - (step - start) / length)


def test_every_restart_falls_on_its_exact_step_on_host_and_device():
    """A straight line from 1 to 0: its value is the part of the cycle that is ahead."""
    checked = wrong = 0
    for multiplier in MULTIPLIERS:
        for interval in INTERVALS:
            exact = cycles(17, interval, multiplier)
            schedule = la.cyclical_linear_schedule(
                peak_value=1.0,
                end_value=0.0,
                warmup_steps=5,
                decay_steps=12,
                restart_steps=interval,
                restart_multiplier=multiplier,
            )
            expected = [math.ceil(start) for start, _ in exact]
            assert schedule.first_restarts(1000) == expected
            before = [(Fraction(5), Fraction(12)), *exact]
            steps = np.array([expected, [step - 1 for step in expected]])
            parts = np.array([
                [part_left(step, cycle) for step, cycle in zip(expected, exact, strict=True)],
                [part_left(step - 1, cycle) for step, cycle in zip(expected, before, strict=False)],
            ])  # fmt: skip
            padded = np.resize(steps, 512)  # one shape, one program
            on_device = np.asarray(schedule(padded))[: steps.size].reshape(steps.shape)
            on_host = schedule.at(steps)
            right = np.isclose(on_device, parts, rtol=1e-6, atol=0)
            right &= np.isclose(on_host, parts, rtol=1e-12, atol=0)
            wrong += int((~right.all(axis=0)).sum())
            checked += len(expected)
    assert wrong == 0 and checked >= 3739


@pytest.mark.parametrize("multiplier", [1.1, 1.5, 2.0, 0.5, 1.0])
def test_progress_is_the_exact_fraction_of_the_cycle(multiplier):
    table, _ = cycle_table(0, 3, 7, multiplier)
    exact = cycles(3, 7, multiplier, at_most=50)
    for step in range(3, 300):
        start, length = max(cycle for cycle in exact if cycle[0] <= step)
        expected = min((step - start) / length, Fraction(1))
        since_start, to_end = locate(on_host(table), step, (), Host).fractions()
        assert math.isclose(since_start, expected, rel_tol=1e-14)
        assert math.isclose(to_end, 1 - expected, rel_tol=1e-12, abs_tol=0)


def on_host(table):
    return type(table)(*(column.tolist() for column in table))


def test_the_part_ahead_keeps_its_digits_where_a_cycle_is_about_to_end():
    table, _ = cycle_table(0, 3, 7, 1.1)
    steps = table.last[RESTART:150]
    columns = jax.tree.map(lambda column: jnp.asarray(column, column.dtype.kind + "4"), table)
    to_end = jax.jit(lambda steps: locate(columns, steps, (0.0,) * 4, Device).fractions()[1])(steps)
    expected = [locate(on_host(table), step, (), Host).fractions()[1] for step in steps.tolist()]
    np.testing.assert_allclose(to_end, expected, rtol=1e-6)


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


PLAIN = {
    "log": la.cyclical_log_schedule,
    "equation_4": partial(la.cyclical_log_schedule, form="equation_4"),
    "author_release": partial(la.cyclical_log_schedule, form="author_release"),
    "cosine": la.cyclical_cosine_schedule,
    "linear": la.cyclical_linear_schedule,
    "polynomial": partial(la.cyclical_polynomial_schedule, power=2.0),
    "exponential": la.cyclical_exponential_schedule,
    "own": partial(la.cyclical_schedule, shape=lambda progress, xp: 1 - progress),
}
OPTIONS = {
    "warmup_shape": "cosine",
    "restart_decay": 0.9,
    "restart_warmup_steps": 3,
    "final_value": 1e-4,
}


@pytest.mark.parametrize(("options", "at_most"), [({}, 105), (OPTIONS, 177)], ids=["plain", "all"])
@pytest.mark.parametrize("factory", PLAIN.values(), ids=PLAIN)
def test_a_thousand_cycles_take_the_program_of_ten(factory, options, at_most):
    """Each doubling of the rows takes six equations more, to halve them once more."""
    counts = set()
    for changes in (
        {"num_restarts": 10, "restart_multiplier": 1.0},
        {"num_restarts": 1000, "restart_multiplier": 1.0},
        {"num_restarts": 1000, "restart_multiplier": 1.01},
        {"restart_multiplier": 1.0},
        {"restart_multiplier": 2.0},
    ):
        schedule = factory(**CYCLE | options | changes)
        as_closure = jax.make_jaxpr(lambda step, schedule=schedule: schedule(step))(jnp.int32(0))
        as_argument = jax.make_jaxpr(lambda schedule, step: schedule(step))(schedule, jnp.int32(0))
        halvings = len(schedule._derived.table.last).bit_length() - 1
        programs = as_closure, as_argument
        counts |= {equations(program.jaxpr) - 6 * (halvings - 9) for program in programs}
    assert len(counts) == 1 and counts.pop() <= at_most


def test_the_count_of_equations_looks_into_every_program():
    def branches(x):
        return jax.lax.cond(x > 0, jax.jit(jnp.sin), lambda x: x * 2 + 1, x)

    plain, nested = jax.make_jaxpr(jnp.sin)(1.0), jax.make_jaxpr(branches)(1.0)
    assert equations(plain.jaxpr) == 1
    assert equations(nested.jaxpr) == len(nested.jaxpr.eqns) + 4


def test_too_many_cycles_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"`restart_multiplier` 1\.00001 .* Take exactly 1\.0"):
        cycle_table(0, 1, 1, 1.00001)


@pytest.mark.parametrize("factory", [la.cyclical_log_schedule, la.cyclical_cosine_schedule])
def test_one_table_size_holds_every_multiplier_that_the_docstring_says(factory):
    sizes = set()
    for restart_steps in (1, 10, 10**6, MAX_STEP):
        for multiplier in (1.04, 1.05, 2.0, 1e6, 1.0, 0.95, 0.5, 1e-6):
            cycles = {"restart_steps": restart_steps, "restart_multiplier": multiplier}
            sizes |= {len(factory(**CYCLE | cycles)._derived.table.start)}
    assert len(sizes) == 1


def test_the_fraction_is_the_one_that_the_float_was_written_for():
    assert simplest_fraction(1.1) == Fraction(11, 10)
    assert simplest_fraction(5 / 3) == Fraction(5, 3)
    assert simplest_fraction(math.pi) == Fraction(math.pi)


SEVERAL = [
    {},
    {"restart_multiplier": 1.0},
    {"restart_multiplier": 1.1},
    {"restart_multiplier": 0.5},
    {"warmup_steps": 0},
    {"restart_steps": None},
    {"decay_steps": 0},
    {"decay_steps": 0, "warmup_steps": 0, "restart_multiplier": 1.5},
    {"decay_steps": 0, "num_restarts": 1},
    {"num_restarts": 3},
    {"num_restarts": 3, "restart_multiplier": 1.0},
    {"num_restarts": 3, "decay_steps": 0, "restart_multiplier": 1.0},
    {"num_restarts": 2, "restart_multiplier": 0.5},
]


def first_steps(decay_steps=10, warmup_steps=5, restart_steps=10, **options):
    """The first step of every cycle, cycle 0 among them, and of what is held."""
    starts, end = [0], None
    if restart_steps is None:
        return starts, warmup_steps + decay_steps
    start, length = Fraction(warmup_steps + decay_steps), Fraction(restart_steps)
    for n in range(options.get("num_restarts") or 100):
        if length < 1 or start > 10**6:
            break
        if n or decay_steps:
            starts.append(math.ceil(start))
        multiplier = options.get("restart_multiplier", 2.0)
        start, length = start + length, length * EXACT.get(multiplier, Fraction(multiplier))
    if length < 1 or "num_restarts" in options:
        end = math.ceil(start)
    return starts, end


@pytest.mark.parametrize("options", SEVERAL, ids=str)
def test_tells_where_a_step_is_and_where_the_schedule_ends(options):
    schedule = la.cyclical_cosine_schedule(**CYCLE | options)
    starts, end = first_steps(**options)
    assert schedule.duration == end
    assert schedule.first_restarts(3) == starts[1:4]
    assert schedule.restarts(100) == [step for step in starts[1:] if step < 100]
    ends = [*starts[1:], end]
    for step in range(-2, 120):
        cycle = max(n for n, start in enumerate(starts) if start <= max(step, 0))
        elapsed = max(step, 0) - starts[cycle]
        assert la.where_in(schedule, step) == (cycle, elapsed, ends[cycle] - starts[cycle])
    if end is not None:
        assert schedule.at(end) == schedule.at(MAX_STEP) != schedule.at(end - 1)


def test_an_endless_first_cycle_ends_at_its_real_length():
    schedule = la.cyclical_cosine_schedule(**CYCLE | {"restart_steps": MAX_STEP})
    assert schedule.duration is None and schedule.first_restarts(5) == [15]
    assert la.where_in(schedule, MAX_STEP) == (1, MAX_STEP - 15, MAX_STEP)
    assert la.where_in(schedule, 2**70) == la.where_in(schedule, MAX_STEP)


@pytest.mark.parametrize("step", [1.5, True, "1", None, np.ones(2, int)])
def test_where_in_refuses_what_is_no_whole_number(step):
    with pytest.raises(TypeError, match="`step` must be a whole number"):
        la.where_in(la.constant_schedule(0.1), step)


def test_an_earlier_name_is_the_same_thing():
    schedule = la.sgdr_schedule(peak_value=0.1, end_value=0.0, restart_steps=5)
    assert schedule.boundaries(3) == schedule.first_restarts(3) == [5, 10, 15]
    assert la.CyclicalShapeSchedule is la.CyclicalSchedule is la.cyclical_schedule

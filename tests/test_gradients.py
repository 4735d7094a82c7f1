"""Gradients with respect to every real field, against differences of float64 numbers."""

import dataclasses
import math
from functools import partial

import cycle_oracle
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_schedule import AS_PRINTED, CYCLE, EVERY_SCHEDULE, OF_FUNCTIONS

import log_anneal as la
from log_anneal._core.backend import MAX_STEP

STEPS = np.array([-1, 0, 1, 3, 4, 5, 7, 12, 14, 15, 16, 25, 26, 35, 61, 10**6, MAX_STEP], np.int32)


SIZE = 64
"""Of every array of steps; one size is one program for each operation."""


def real_fields(schedule):
    """The leaves that have a slope, by path: real numbers and durations, those of parts too."""
    leaves = jax.tree_util.tree_leaves_with_path(schedule)
    named = {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
    return {
        name: jnp.float32(leaf)
        for name, leaf in named.items()
        if leaf.dtype == np.float64 and "_derived" not in name
    }


def slopes(schedule, steps=STEPS):
    """The gradient at each step, by field. Not jitted: its operations are compiled once for all."""
    leaves, tree = jax.tree_util.tree_flatten_with_path(schedule)

    def value(fields, step):
        changed = [fields.get(jax.tree_util.keystr(path), leaf) for path, leaf in leaves]
        return jax.tree.unflatten(tree, changed)(step)

    steps = jnp.asarray(np.resize(steps, SIZE), jnp.int32)
    return jax.vmap(jax.grad(value), (None, 0))(real_fields(schedule), steps)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", EVERY_SCHEDULE + OF_FUNCTIONS, ids=repr)
def test_the_slope_of_every_real_field_is_finite(schedule):
    for name, slope in slopes(schedule).items():
        assert np.isfinite(slope).all(), name


@pytest.mark.parametrize("cycle", [CYCLE, CYCLE | {"restart_decay": 0.9, "final_value": 0.01}])
def test_a_gradient_is_a_schedule_of_slopes(cycle):
    schedule = la.cyclical_cosine_schedule(**cycle)
    slope = jax.grad(lambda schedule: schedule(17), allow_int=True)(schedule)
    each = slopes(schedule, [17])
    fields = {f".{name}" for name in cycle} | {".restart_value", ".num_restarts"}
    assert set(each) == fields
    for name in fields:
        np.testing.assert_allclose(getattr(slope, name[1:]), each[name][0], rtol=1e-6)
    for leaf in jax.tree.leaves(slope._derived):  # what is derived is no parameter
        assert leaf.dtype != np.float32 or not leaf.any()
    assert repr(slope) != repr(schedule) and slope == slope and slope != schedule


EXTREMES = {
    "largest, endless": {
        "peak_value": 1e20,
        "end_value": 0.0,
        "restart_steps": 1,
        "restart_multiplier": 1.0,
        "restart_decay": 1e-6,
    },
    "nothing, longest": {
        "peak_value": 0.0,
        "end_value": 0.0,
        "init_value": 0.0,
        "decay_steps": MAX_STEP - 5,
        "restart_steps": MAX_STEP,
    },
    "shortest, fastest": {
        "warmup_steps": 1,
        "decay_steps": 1,
        "restart_steps": 1,
        "restart_multiplier": 1e6,
    },
    "no first decay, slowest": {
        "warmup_steps": 0,
        "decay_steps": 0,
        "restart_steps": MAX_STEP,
        "restart_multiplier": 1e-6,
    },
    "held at once": {"num_restarts": 1, "restart_warmup_steps": 9, "final_value": 1e20},
}
EXTREME_SHAPES = [
    ("anchored", {"base": 1.000001}),
    ("anchored", {"base": 1e18}),
    ("equation_4", {"base": 1.01}),
    ("equation_4", {"base": 1e18}),
    ("author_release", {}),
    ("cosine", {}),
    ("linear", {}),
    ("polynomial", {"power": 0.01}),
    ("polynomial", {"power": 100.0}),
    ("exponential", {"base": 1.000001}),
    ("exponential", {"base": 1e18}),
]


@pytest.mark.parametrize("extreme", EXTREMES)
def test_slopes_are_finite_at_extreme_fields(extreme):
    for shape, fields in EXTREME_SHAPES:
        form = {"form": shape} if shape in ("equation_4", "author_release") else {}
        schedule = cycle_oracle.FACTORIES[shape](**CYCLE | EXTREMES[extreme] | fields | form)
        for name, slope in slopes(schedule).items():
            assert np.isfinite(slope).all(), (schedule, name, slope)


def difference(function, at, *, is_one_sided=False):
    """The slope of a function of a float64 number; one-sided from below."""
    width = 1e-6 * at
    above = at if is_one_sided else at + width
    return (function(above) - function(at - width)) / (above - (at - width))


CYCLES = {
    "sane": CYCLE,
    "as printed": AS_PRINTED,
    "of one length": CYCLE | {"restart_multiplier": 1.0},
    "growing slowly": CYCLE | {"restart_multiplier": 1.1, "restart_value": 0.07},
    "shrinking": CYCLE | {"restart_multiplier": 0.7, "final_value": 0.02},
    "no first decay": CYCLE | {"decay_steps": 0, "restart_multiplier": 1.5},
    "held": CYCLE | {"restart_steps": None},
    "every option": CYCLE
    | {
        "warmup_shape": "cosine",
        "restart_multiplier": 1.5,
        "restart_value": 0.06,
        "restart_decay": 0.8,
        "restart_warmup_steps": 3,
        "num_restarts": 3,
        "final_value": 0.003,
    },
}


@pytest.mark.parametrize("cycle", CYCLES)
@pytest.mark.parametrize("shape", cycle_oracle.FACTORIES)
def test_slopes_of_a_cycle_are_those_of_the_continuous_equation(shape, cycle):
    cycle = CYCLES[cycle]
    schedule = cycle_oracle.make(shape, **cycle)
    restarts = np.array(schedule.first_restarts(20), int)
    turns = {0, cycle["warmup_steps"], schedule.duration, *restarts}
    turns |= set(restarts + cycle.get("restart_warmup_steps", 0))
    fields = {"restart_value": cycle["peak_value"]} | cycle | cycle_oracle.numbers_of(shape)
    for path, slope in slopes(schedule, np.arange(SIZE)).items():
        name = path.removeprefix(".")
        if name == "num_restarts" or not fields[name]:
            continue
        expected = [
            difference(
                lambda at, step=step, name=name: cycle_oracle.value(
                    step, shape, **fields | {name: at}
                ),
                fields[name],
                is_one_sided=step in turns,
            )
            for step in range(SIZE)
        ]
        tolerance = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_slopes_of_values_are_those_of_the_host(schedule):
    """Of every real number that is no duration, at the steps between two restarts."""
    schedule = jax.tree.map(lambda leaf: leaf, schedule)  # no None follows another field
    turns = {0, schedule.duration, *schedule.restarts(SIZE)}
    steps = np.array([step for step in range(SIZE) if step not in turns])
    for path, slope in slopes(schedule, np.arange(SIZE)).items():
        name = path.removeprefix(".")
        at = getattr(schedule, name, None)  # None for a field of a part
        is_time = name.endswith("_steps") or name in ("restart_multiplier", "num_restarts")
        if is_time or np.ndim(at) or at in (None, 0, 1.000001, 1e18):  # 0 and bases at their bounds
            continue

        def values(number, name=name):
            return dataclasses.replace(schedule, **{name: number}).at(steps)

        expected = difference(values, float(at), is_one_sided=at == 1)
        tolerance = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(slope[steps], expected, rtol=1e-3, atol=tolerance, err_msg=name)


WAVE = {"linear": lambda x: x, "cosine": lambda x: (1 - math.cos(math.pi * x)) / 2}


def clr(step, init_value, peak_value, up_steps, down_steps, step_decay, cycle_decay):
    n, t = divmod(step, up_steps + down_steps)
    x = t / up_steps if t < up_steps else (up_steps + down_steps - t) / down_steps
    return init_value + (peak_value - init_value) * x * cycle_decay**n * step_decay**step


def one_cycle(step, warmup_steps, decay_steps, peak_value, init_value, end_value, shape):
    if step < warmup_steps:
        return init_value + (peak_value - init_value) * WAVE[shape](step / warmup_steps)
    x = min((step - warmup_steps) / decay_steps, 1)
    return peak_value + (end_value - peak_value) * WAVE[shape](x)


def stable(step, peak_value, warmup_steps, stable_steps, decay_steps, end_value):
    if step < warmup_steps:
        return peak_value * step / warmup_steps
    z = (step - warmup_steps - stable_steps) / decay_steps
    return peak_value + (end_value - peak_value) * math.sqrt(min(max(z, 0), 1))


def inverse_root(step, peak_value, warmup_steps, timescale_steps):
    if step < warmup_steps:
        return peak_value * step / warmup_steps
    return peak_value * math.sqrt(timescale_steps / (timescale_steps + step - warmup_steps))


def left(step, decay_steps):
    return max(1 - step / decay_steps, 0)


def lines(step, values, interval_steps):
    return float(np.interp(step / interval_steps, np.arange(len(values)), values))


CONTINUOUS = {
    "clr": (
        la.clr_schedule,
        {"init_value": 0.01, "peak_value": 0.1, "up_steps": 7, "down_steps": 11,
         "step_decay": 0.99, "cycle_decay": 0.7},
        clr,
    ),
    "one cycle": (
        la.one_cycle_schedule,
        {"warmup_steps": 10.5, "decay_steps": 30.25, "peak_value": 0.1, "init_value": 0.01,
         "end_value": 0.001, "shape": "cosine"},
        one_cycle,
    ),
    "warm-up, stable, decay": (
        partial(la.warmup_stable_decay_schedule, cooldown="1-sqrt"),
        {"peak_value": 0.1, "warmup_steps": 7, "stable_steps": 9, "decay_steps": 30,
         "end_value": 0.001},
        stable,
    ),
    "inverse root": (
        la.inverse_sqrt_schedule,
        {"peak_value": 0.1, "warmup_steps": 7, "timescale_steps": 20},
        inverse_root,
    ),
    "polynomial": (
        la.polynomial_schedule,
        {"init_value": 0.1, "end_value": 0.01, "decay_steps": 40, "power": 1.7},
        lambda step, init_value, end_value, decay_steps, power: (
            end_value + (init_value - end_value) * left(step, decay_steps) ** power
        ),
    ),
    "rex": (
        la.rex_schedule,
        {"init_value": 0.1, "end_value": 0.01, "decay_steps": 40},
        lambda step, init_value, end_value, decay_steps: (
            end_value
            + (init_value - end_value)
            * left(step, decay_steps)
            / (0.5 + left(step, decay_steps) / 2)
        ),
    ),
    "exponential": (
        la.exponential_schedule,
        {"init_value": 0.1, "decay_steps": 10, "decay_rate": 0.7, "end_value": 0.02},
        lambda step, init_value, decay_steps, decay_rate, end_value: max(
            init_value * decay_rate ** (step / decay_steps), end_value
        ),
    ),
    "step decay": (
        la.step_decay_schedule,
        {"init_value": 0.1, "decay_rate": 0.7, "decay_steps": 10},
        lambda step, init_value, decay_rate, decay_steps: (
            init_value * decay_rate ** (step // int(decay_steps + 1e-3))
        ),
    ),
    "lines": (
        partial(la.tabulated_schedule, interpolation="linear"),
        {"values": [0.1, 0.02, 0.05, 0.0], "interval_steps": 8},
        lines,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_slopes_of_the_other_kinds_are_those_of_their_equations(kind):
    make, fields, equation = CONTINUOUS[kind]
    values = fields.get("values", [])
    schedule = make(values, interval_steps=8) if values else make(**fields)
    kinks = {0, schedule.duration, 7, 16, 18, 25, 36, 43, 54, 61} | set(
        range(0, SIZE, 8 if values else SIZE)
    )
    steps = np.array([step for step in range(SIZE) if step not in kinks])
    expected = [equation(step, **fields) for step in steps.tolist()]
    np.testing.assert_allclose(schedule.at(steps), expected, rtol=1e-9)
    for path, slope in slopes(schedule, np.arange(SIZE)).items():
        name = path.removeprefix(".")
        if name in fields and name != "values":
            expected = [
                difference(
                    lambda at, step=step, name=name: equation(step, **fields | {name: at}),
                    fields[name],
                )
                for step in steps.tolist()
            ]
            tolerance = 1e-4 * np.abs(expected).max()
            np.testing.assert_allclose(
                slope[steps], expected, rtol=1e-3, atol=tolerance, err_msg=name
            )


def test_slopes_under_vmap_of_a_scan_are_the_sums_of_each():
    schedules = [la.cyclical_log_schedule(**CYCLE | {"peak_value": peak}) for peak in (0.1, 0.5)]

    def total(schedule):
        def add(carry, step):
            return carry + schedule(step), None

        return jax.lax.scan(add, 0.0, jnp.arange(SIZE))[0]

    ours = jax.vmap(jax.grad(total, allow_int=True))(la.stack(schedules))
    for row, schedule in enumerate(schedules):
        for path, slope in slopes(schedule, np.arange(SIZE)).items():
            name = path.removeprefix(".")
            sums = np.float64(slope).sum()
            np.testing.assert_allclose(getattr(ours, name)[row], sums, rtol=1e-3, err_msg=name)


def test_slopes_reach_the_fields_of_parts():
    cosine = la.cyclical_cosine_schedule(**CYCLE)
    alone = slopes(cosine, np.arange(SIZE))[".peak_value"]
    half = slopes(cosine * 0.5, np.arange(SIZE))
    np.testing.assert_allclose(half[".first.peak_value"], 0.5 * alone, rtol=1e-6)
    np.testing.assert_allclose(half[".second.value"], cosine(np.arange(SIZE)), rtol=1e-6)
    chained = slopes(la.chain([(0.1, 5), cosine]), np.arange(SIZE))
    (peak,) = (slope for name, slope in chained.items() if name.endswith(".peak_value"))
    np.testing.assert_allclose(np.ravel(peak)[5:], alone[:-5], rtol=1e-6)


def test_the_slope_of_a_traced_base_is_the_equations_up_to_the_largest():
    def value(base, step):
        return la.cyclical_log_schedule(
            peak_value=0.5, end_value=0.01, decay_steps=10, base=base)(step)  # fmt: skip

    for base, step in [(1e18, 1), (1e18, 9), (1e12, 5), (1.01, 5)]:
        # d/db of 1 - ln(1 + c p) / ln b, with c = b - 1
        p, c, log_base = step / 10, base - 1, math.log(base)
        log_here = math.log1p(c * p)
        exact = 0.49 * (log_here / base / log_base**2 - p / (1 + c * p) / log_base)
        np.testing.assert_allclose(jax.grad(value)(base, step), exact, rtol=1e-3)

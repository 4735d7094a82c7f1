"""Random schedules, right and wrong, at random steps: 100,000 of them on host and device."""

import re
from collections import defaultdict
from functools import partial

import jax
import numpy as np
import pytest
from on_device import SIZE

import log_anneal as la
from log_anneal._core.backend import MAX_STEP

STEPS = 32
"""For each schedule."""

MESSAGE = re.compile(r"^`[^`]+`.* must .*(got|makes).*\. \S", re.DOTALL)
"""Argument, rule, value and the way out."""


def value(rng):
    """A rate: of any size, or at a bound; 1 in 100 is wrong."""
    if rng.random() < 0.01:
        return rng.choice([-1e-9, np.nan, np.inf, 2e30])
    extreme = [0.0, 1.0, 1e-30, 1e30]
    return float(rng.choice(extreme) if rng.random() < 0.2 else 10 ** rng.uniform(-8, 2))


def steps(rng):
    """A duration of any size; 1 in 100 is wrong."""
    if rng.random() < 0.01:
        return rng.choice([-1, 0, 2**31, 1.5])
    return int(2 ** rng.uniform(0, rng.choice([3, 12, 31])))


def between(low, high, rng):
    """A number of any size in bounds, or next to one of them."""
    if rng.random() < 0.02:
        return float(rng.choice([low / 2, high * 2, np.nan]))
    return float(np.clip(low * (high / low) ** rng.uniform(-0.05, 1.05), low, high))


def shrinking(low, most, rng):
    """A factor up to 1, or one that is out of bounds: a growth has fewer digits than 4 ulps."""
    factor = between(low, 1.0, rng)
    return factor * most if factor > 1 else factor


def multiplier(rng):
    simple = rng.choice([1.0, 2.0, 1.5, 0.5, 1.1, 0.9])
    return float(simple) if rng.random() < 0.5 else between(1e-6, 1e6, rng)


CYCLE = {
    "peak_value": value,
    "end_value": value,
    "init_value": value,
    "warmup_steps": steps,
    "decay_steps": steps,
    "restart_steps": steps,
    "restart_multiplier": multiplier,
    "restart_value": value,
}
OPTIONS = CYCLE | {
    "restart_decay": partial(shrinking, 1e-6, 1e6),
    "restart_warmup_steps": steps,
    "num_restarts": steps,
    "final_value": value,
}
BASE = {"base": partial(between, 1.000001, 1e18)}
RATE = partial(shrinking, 1e-30, 1e20)
RANGE = {"init_value": value, "peak_value": value, "up_steps": steps, "down_steps": steps}
SHRINKING = dict.fromkeys(("cycle_decay", "step_decay"), partial(shrinking, 1e-6, 1e6))

DRAWN = {
    "log": (la.cyclical_log_schedule, CYCLE | BASE),
    "log, all options": (partial(la.cyclical_log_schedule, warmup_shape="cosine"), OPTIONS | BASE),
    "equation 4": (partial(la.cyclical_log_schedule, form="equation_4"), CYCLE | BASE),
    "author": (partial(la.cyclical_log_schedule, form="author_release"), CYCLE),
    "cosine": (la.cyclical_cosine_schedule, OPTIONS),
    "linear": (la.cyclical_linear_schedule, OPTIONS),
    "polynomial": (
        la.cyclical_polynomial_schedule,
        CYCLE | {"power": partial(between, 0.01, 100.0)},
    ),
    "exponential": (la.cyclical_exponential_schedule, CYCLE | BASE),
    "triangular": (la.clr_schedule, RANGE | SHRINKING),
    "parabolic": (partial(la.clr_schedule, window="parabolic"), RANGE | SHRINKING),
    "sinusoidal": (partial(la.clr_schedule, window="sinusoidal"), RANGE | SHRINKING),
    "one cycle": (
        la.one_cycle_schedule,
        {
            "peak_value": value,
            "init_value": value,
            "end_value": value,
            "warmup_steps": partial(between, 1e-6, 2e9),
            "decay_steps": partial(between, 1e-6, 2e9),
            "final_steps": partial(between, 1e-6, 2e9),
        },
    ),
    "warm-up, stable, decay": (
        partial(la.warmup_stable_decay_schedule, cooldown="1-sqrt"),
        {
            "peak_value": value,
            "end_value": value,
            "init_value": value,
            "warmup_steps": steps,
            "stable_steps": steps,
            "decay_steps": steps,
        },
    ),
    "step decay": (
        la.step_decay_schedule,
        {"init_value": value, "decay_steps": steps, "decay_rate": RATE, "end_value": value},
    ),
    "exponential decay": (
        la.exponential_schedule,
        {"init_value": value, "decay_steps": steps, "decay_rate": RATE, "end_value": value},
    ),
    "polynomial decay": (
        la.polynomial_schedule,
        {
            "init_value": value,
            "end_value": value,
            "decay_steps": steps,
            "power": partial(between, 0.01, 100.0),
        },
    ),
    "rex": (
        la.rex_schedule,
        {"init_value": value, "end_value": value, "decay_steps": steps},
    ),
    "inverse root": (
        la.inverse_sqrt_schedule,
        {
            "init_value": value,
            "peak_value": value,
            "warmup_steps": steps,
            "timescale_steps": steps,
        },
    ),
}


def drawn_steps(schedule, rng):
    """Around restarts, and anywhere."""
    restarts = np.array([0, *schedule.first_restarts(20), schedule.duration or 0])
    near = rng.choice(restarts, STEPS // 2) + rng.integers(-1, 2, STEPS // 2)
    far = (2 ** rng.uniform(0, 31, STEPS - STEPS // 2)).astype(np.int64)
    return np.clip(np.concatenate([near, far]), 0, MAX_STEP)


def range_of(schedule, values):
    """The largest value that its fields and its terms take."""
    fields = [each for name, each in vars(schedule).items() if name.endswith("_value")]
    largest = max(values.max(), *(each for each in fields if each is not None))
    terms = 1.0
    if getattr(schedule, "form", "") == "equation_4":
        terms += np.log(np.pi * 2**31) / np.log(float(schedule._numbers["base"]))
    return largest * terms


@jax.jit
def evaluate_each(stack, steps):
    return jax.vmap(lambda schedule, steps: schedule(steps))(stack, steps)


@pytest.mark.parametrize("kind", DRAWN)
def test_a_random_schedule_is_finite_and_exact_or_refused(kind, number=190, seed=0):
    """18 kinds, 190 schedules of each that are right, 32 steps of each: 109,440."""
    rng = np.random.default_rng([seed, list(DRAWN).index(kind)])
    make, drawn = DRAWN[kind]
    schedules, refused = [], 0
    while len(schedules) < number:
        arguments = {name: draw(rng) for name, draw in drawn.items()}
        try:
            schedules.append(make(**arguments))
        except ValueError as error:
            refused += 1
            assert MESSAGE.match(str(error)), (arguments, str(error))
    assert refused
    groups = defaultdict(list)
    for schedule in schedules:
        shapes = tuple(map(np.shape, jax.tree.leaves(schedule)))
        groups[jax.tree.structure(schedule), shapes].append(schedule)
    for alike in groups.values():
        taken = [drawn_steps(schedule, rng) for schedule in alike]
        rows = SIZE // STEPS // 4
        for first in range(0, len(alike), rows):
            some = alike[first : first + rows]
            padded = (some * rows)[:rows]
            asked = (taken[first : first + rows] * rows)[:rows]
            values = np.asarray(evaluate_each(la.stack(padded), np.stack(asked).astype(np.int32)))
            for schedule, at, ours in zip(some, asked, values, strict=False):
                expected = schedule.at(at)
                said = f"{schedule!r} at {at.tolist()}"
                assert np.isfinite(expected).all() and np.isfinite(ours).all(), said
                ulp = np.spacing(np.float32(range_of(schedule, expected)))
                errors = np.abs(ours - expected) / ulp
                assert errors.max() <= 4, (said, errors.max())

"""The cyclical schedules against a scalar float64 oracle, and their arguments."""

import dataclasses
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_schedule import AS_PRINTED, CYCLE
from hypothesis import given, settings
from hypothesis import strategies as st

import log_anneal as la

SHAPES = {
    "log": (la.cyclical_log_schedule, {}),
    "log base 20": (la.cyclical_log_schedule, {"base": 20.0}),
    "equation 4": (la.cyclical_log_schedule, {"form": "equation_4"}),
    "cosine": (la.cyclical_cosine_schedule, {}),
}


def oracle(
    step, *, peak_value, end_value, decay_steps, init_value=0.0, warmup_steps=0, restart_steps=None,
    restart_multiplier=1.0, restart_value=None, base=None, form="anchored", cosine=False,
):  # fmt: skip
    begin, length, start, end = Fraction(0), Fraction(warmup_steps), init_value, peak_value
    if step >= warmup_steps:
        begin, length, start, end = begin + length, Fraction(decay_steps), peak_value, end_value
    if step >= warmup_steps + decay_steps:
        if restart_steps is None:
            return end_value
        begin, length = begin + length, Fraction(restart_steps)
        start = peak_value if restart_value is None else restart_value
        while step >= begin + length:
            begin, length = begin + length, length * Fraction(str(restart_multiplier))
            if length < 1:
                return end_value
    p = float((step - begin) / length)
    b = base or 1 / end_value
    if cosine:
        return end + (start - end) * (1 + math.cos(math.pi * p)) / 2
    if form == "equation_4":
        t_cur = step - math.ceil(begin) + 1
        log_b = math.log(math.pi * float(length) / t_cur) / math.log(b)
        return abs(end + 0.5 * (start - end) * (1 + log_b))
    return end + (start - end) * (1 - math.log(1 + (b - 1) * p) / math.log(b))


@pytest.mark.parametrize("multiplier", [1.0, 2.0, 1.5, 1.1, 0.5])
@pytest.mark.parametrize("cycle", [CYCLE, AS_PRINTED], ids=["sane", "as printed"])
@pytest.mark.parametrize(("factory", "shape"), SHAPES.values(), ids=SHAPES)
def test_is_the_equation_at_every_step(factory, shape, cycle, multiplier):
    arguments = cycle | shape | {"restart_multiplier": multiplier}
    schedule = factory(**arguments)
    is_cosine = {"cosine": True} if factory is la.cyclical_cosine_schedule else {}
    expected = [oracle(step, **arguments, **is_cosine) for step in range(120)]
    np.testing.assert_allclose(schedule.at(np.arange(120)), expected, rtol=1e-9)
    np.testing.assert_allclose(schedule(jnp.arange(120)), expected, rtol=1e-5)


@given(
    peak=st.floats(1e-6, 10), end=st.floats(1e-8, 0.9), decay=st.integers(1, 10**5),
    restart=st.none() | st.integers(1, 10**4), multiplier=st.sampled_from([1.0, 2.0, 1.3, 0.7]),
    step=st.integers(0, 10**6), form=st.sampled_from(["anchored", "equation_4"]),
)  # fmt: skip
@settings(max_examples=150, deadline=None, derandomize=True)
def test_is_the_equation_wherever_it_is_asked(peak, end, decay, restart, multiplier, step, form):
    arguments = {
        "peak_value": peak, "end_value": end, "decay_steps": decay, "restart_steps": restart,
        "restart_multiplier": multiplier, "form": form,
    }  # fmt: skip
    schedule = la.cyclical_log_schedule(**arguments)
    expected = oracle(step, **arguments)
    scale = max(peak, end) if form == "equation_4" else 0  # its terms may cancel
    np.testing.assert_allclose(schedule.at(step), expected, rtol=1e-9, atol=1e-12 * peak)
    np.testing.assert_allclose(schedule(step), schedule.at(step), rtol=1e-5, atol=1e-6 * scale)


def test_takes_the_papers_settings_as_printed():
    schedule = la.cyclical_log_schedule(**AS_PRINTED)
    values = schedule.at(np.arange(16))
    assert (np.diff(values[:6]) < 0).all() and (np.diff(values[5:15]) > 0).all()
    assert (values[0], values[5], values[15]) == (0.01, 1e-4, 0.1)


def test_holds_the_end_value_after_the_first_decay():
    for form in ("anchored", "equation_4"):
        schedule = la.cyclical_log_schedule(
            peak_value=0.1, end_value=1e-3, decay_steps=10, form=form
        )
        np.testing.assert_array_equal(schedule(np.array([10, 11, 2**31 - 1])), np.float32(1e-3))


def test_meets_the_peak_and_approaches_the_end_exactly():
    schedule = la.cyclical_log_schedule(**CYCLE)
    np.testing.assert_array_equal(
        schedule(np.array([0, 5, 15, 25, 45])), np.float32([1e-4] + [0.1] * 4)
    )
    assert schedule.restarts(46) == [15, 25, 45] and schedule.restarts(45) == [15, 25]


def test_keeps_its_digits_down_to_zero():
    length = 10**6
    schedule = la.cyclical_log_schedule(peak_value=0.1, end_value=0.0, decay_steps=length, base=1e3)
    steps = length - np.array([1, 2, 10, 1000])
    np.testing.assert_allclose(schedule(steps), schedule.at(steps), rtol=1e-6)
    assert schedule.at(length) == 0


def test_never_leaves_the_range_between_its_ends():
    steps = np.arange(120)
    for factory in (la.cyclical_log_schedule, la.cyclical_cosine_schedule):
        values = np.asarray(factory(**CYCLE)(steps))
        assert values.min() == np.float32(1e-4)
        assert values.max() <= np.float32(0.1) * (1 + 2e-7)


def test_falls_throughout_a_cycle():
    for factory in (la.cyclical_log_schedule, la.cyclical_cosine_schedule):
        values = np.asarray(factory(**CYCLE)(np.arange(120)))
        for first, following in zip([5, 15, 25, 45], [15, 25, 45, 85], strict=True):
            assert (np.diff(values[first:following]) < 0).all()


def test_a_default_follows_the_field_that_it_comes_from():
    schedule = la.cyclical_log_schedule(
        peak_value=0.1, end_value=1e-3, decay_steps=5, restart_steps=5
    )
    assert dataclasses.replace(schedule, peak_value=0.2).at(5) == 0.2
    replaced = dataclasses.replace(schedule, end_value=1e-2)
    assert replaced == dataclasses.replace(schedule, end_value=1e-2, base=100.0)


def test_gradients_are_those_of_the_equation():
    def value(peak, base, step):
        return la.cyclical_log_schedule(peak_value=peak, end_value=0.01, decay_steps=10, base=base)(
            step
        )

    for step in (0, 3, 9):
        slopes = jax.grad(value, (0, 1))(0.5, 100.0, step)
        exact = la.cyclical_log_schedule(peak_value=0.5, end_value=0.01, decay_steps=10, base=100.0)
        for slope, field, width in zip(slopes, ("peak_value", "base"), (1e-6, 1e-3), strict=True):
            at = getattr(exact, field)
            high, low = (
                dataclasses.replace(exact, **{field: at + side}).at(step)
                for side in (width, -width)
            )
            np.testing.assert_allclose(slope, (high - low) / (2 * width), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peak_value": -0.1}, r"`peak_value` must be a number from 0 to 1e30, got -0\.1"),
        ({"peak_value": math.nan}, "`peak_value` must be .* got nan"),
        ({"peak_value": math.inf}, "`peak_value` must be .* got inf"),
        ({"peak_value": "0.1"}, "`peak_value` must be a number, got '0.1'"),
        ({"peak_value": True}, "`peak_value` must be a number, got True"),
        ({"peak_value": None}, "`peak_value` must be a number, got None"),
        ({"peak_value": np.ones(2)}, r"`peak_value` must be a number, got array.*vmap"),
        ({"decay_steps": 0}, "`decay_steps` must be at least 1 step and below 2.31, got 0"),
        ({"decay_steps": 2.5}, r"`decay_steps` must be a whole number of steps, got 2\.5.*stretch"),
        ({"decay_steps": math.nan}, "`decay_steps` must be a whole number of steps, got nan"),
        ({"decay_steps": 2**31}, "`decay_steps` must be .* got 2147483648"),
        ({"warmup_steps": -1}, "`warmup_steps` must be at least 0 steps and below 2.31, got -1"),
        ({"restart_steps": 0}, "`restart_steps` must be at least 1 step .* got 0. Leave it out"),
        ({"restart_multiplier": 0}, r"`restart_multiplier` must be .* got 0\.0.* Take 1 for"),
        ({"restart_multiplier": -2}, "`restart_multiplier` must be .* got -2"),
        ({"restart_value": -1}, "`restart_value` must be .* Leave it out to restart"),
        ({"base": 1.0}, r"`base` must be from 1\.000001 to 1e\+30, got 1\.0.*straight line"),
        ({"end_value": 0.0}, r"`end_value` must be from 1e-30 to .* got 0\.0.*give `base`"),
        ({"end_value": 1.0}, r"`end_value` must be from 1e-30 to .* got 1\.0.*give `base`"),
        ({"form": "log"}, '`form` must be "anchored" or "equation_4", got \'log\''),
    ],
)
def test_refuses_a_wrong_argument_and_names_the_way_out(change, message):
    with pytest.raises(ValueError, match=message):
        la.cyclical_log_schedule(**CYCLE | change)


def test_takes_whole_numbers_however_they_are_written():
    arguments = CYCLE | {
        "decay_steps": 10.0,
        "peak_value": np.float32(0.1),
        "restart_steps": np.int64(10),
    }
    schedule = la.cyclical_log_schedule(**arguments)
    assert schedule == la.cyclical_log_schedule(**CYCLE)
    assert repr(schedule.decay_steps) == "10" and repr(schedule.peak_value) == "0.1"


@pytest.mark.parametrize("field", ["decay_steps", "restart_multiplier"])
def test_refuses_a_traced_duration_and_names_the_way_out(field):
    with pytest.raises(TypeError, match=f"`{field}` must be known when.*pass it as an argument"):
        jax.jit(lambda value: la.cyclical_log_schedule(**CYCLE | {field: value})(0))(2)


def test_stretching_refuses_parts_of_a_step():
    schedule = la.cyclical_log_schedule(**CYCLE)
    assert schedule.stretch(0.2).decay_steps == 2
    with pytest.raises(
        ValueError, match=r"`warmup_steps` must stay .* got 2\.5 by `stretch\(0\.5\)`"
    ):
        schedule.stretch(0.5)
    for factor in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match="`factor` must be above 0"):
            schedule.stretch(factor)

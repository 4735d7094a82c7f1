"""The cyclical schedules against a scalar float64 oracle, and their arguments."""

import dataclasses
import json
import math
from fractions import Fraction
from pathlib import Path

import cycle_oracle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from every_schedule import AS_PRINTED, CYCLE
from hypothesis import given, settings
from hypothesis import strategies as st
from on_device import on_device

import log_anneal as la

SHAPES = cycle_oracle.FACTORIES
ALL_OPTIONS = {
    "warmup_shape": "cosine",
    "restart_value": 0.05,
    "restart_decay": 0.8,
    "restart_warmup_steps": 3,
    "num_restarts": 2,
    "final_value": 0.003,
}
OPTIONS = {
    "all": ALL_OPTIONS,
    **{name: {name: option} for name, option in ALL_OPTIONS.items()},
    "linear warm-up": {"warmup_shape": "linear"},
    "no warm-up": {"warmup_steps": 0},
    "no restarts": {"restart_steps": None},
    "held": {"restart_steps": None, "final_value": 0.003},
    "no first decay": {"decay_steps": 0},
    "restarts alone": {"decay_steps": 0, "warmup_steps": 0},
    "decaying, endless": {"restart_decay": 0.8, "restart_multiplier": 1.0, "num_restarts": None},
    "all, no first decay": ALL_OPTIONS | {"decay_steps": 0},
}


def exact(cycle):
    """With durations and multiplier as fractions."""
    fractions = {
        name: Fraction(each) for name, each in cycle.items() if name.endswith("_steps") and each
    }
    multiplier = Fraction(str(cycle.get("restart_multiplier", 1.0)))
    return cycle | fractions | {"restart_multiplier": multiplier}


STEPS = np.arange(120)


def expected_values(shape, cycle):
    arguments = exact(cycle) | cycle_oracle.numbers_of(shape)
    return [cycle_oracle.value(step, shape, **arguments) for step in STEPS.tolist()]


@pytest.mark.parametrize("cycle", [CYCLE, AS_PRINTED], ids=["sane", "as printed"])
@pytest.mark.parametrize("shape", SHAPES)
def test_is_the_equation_at_every_step(shape, cycle):
    for multiplier in (2.0, 1.5, 1.1, 1.0, 0.5):
        cycle = cycle | {"restart_multiplier": multiplier}
        schedule = cycle_oracle.make(shape, **cycle)
        expected, said = expected_values(shape, cycle), repr(schedule)
        np.testing.assert_allclose(schedule.at(STEPS), expected, rtol=1e-9, err_msg=said)
        np.testing.assert_allclose(on_device(schedule, STEPS), expected, rtol=1e-5, err_msg=said)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_is_the_equation_with_every_option(shape, option):
    for multiplier in (2.0, 1.5, 1.1, 1.0, 0.7):
        cycle = CYCLE | {"restart_multiplier": multiplier} | OPTIONS[option]
        if "restart_warmup_steps" in cycle:
            cycle = {"num_restarts": 3} | cycle
        schedule = cycle_oracle.make(shape, **cycle)
        expected, said = expected_values(shape, cycle), repr(schedule)
        np.testing.assert_allclose(schedule.at(STEPS), expected, rtol=1e-9, err_msg=said)
        if shape == "linear" or option == "all":  # each pair of them is a program
            values = on_device(schedule, STEPS)
            np.testing.assert_allclose(values, expected, rtol=1e-5, err_msg=said)


@given(
    peak=st.floats(1e-6, 10), end=st.floats(1e-8, 0.9), decay=st.integers(1, 10**5),
    restart=st.none() | st.integers(1, 10**4), multiplier=st.sampled_from([1.0, 2.0, 1.3, 0.7]),
    step=st.integers(0, 10**6), form=st.sampled_from(["anchored", "equation_4"]),
)  # fmt: skip
@settings(max_examples=150, deadline=None, derandomize=True)
def test_is_the_equation_wherever_it_is_asked(peak, end, decay, restart, multiplier, step, form):
    arguments = {
        "peak_value": peak, "end_value": end, "decay_steps": decay, "restart_steps": restart,
        "restart_multiplier": multiplier,
    }  # fmt: skip
    schedule = la.cyclical_log_schedule(**arguments, form=form)
    expected = cycle_oracle.value(step, form, **exact(arguments), base=1 / end)
    scale = max(peak, end) if form == "equation_4" else 0  # its terms may cancel
    np.testing.assert_allclose(schedule.at(step), expected, rtol=1e-9, atol=1e-12 * peak)
    np.testing.assert_allclose(schedule(step), schedule.at(step), rtol=1e-5, atol=1e-6 * scale)


def test_author_release_is_the_curve_of_the_authors_code():
    golden = json.loads((Path(__file__).parent / "golden" / "author_release_0.json").read_text())
    params = golden["params"]
    schedule = la.cyclical_log_schedule(
        peak_value=params["max_lr"],
        end_value=params["min_lr"],
        decay_steps=params["restart_interval"],
        restart_steps=params["restart_interval"],
        restart_multiplier=params["restart_interval_multiplier"],
        form="author_release",
    )
    steps = np.arange(len(golden["values"]))
    np.testing.assert_allclose(schedule.at(steps), golden["values"], rtol=1e-12)
    np.testing.assert_allclose(schedule(steps), golden["values"], rtol=1e-6)


def test_sgdr_is_the_cosine_without_a_first_decay():
    cycle = {"peak_value": 0.1, "end_value": 0.01, "restart_steps": 7, "restart_multiplier": 1.5}
    schedule = la.sgdr_schedule(**cycle)
    expected = expected_values("cosine", cycle | {"decay_steps": 0})
    np.testing.assert_allclose(schedule.at(STEPS), expected, rtol=1e-9)
    assert schedule == la.cyclical_cosine_schedule(**cycle, decay_steps=0)
    assert schedule.first_restarts(3) == [7, 18, 34] and la.where_in(schedule, 6) == (0, 6, 7)
    warm = la.sgdr_schedule(**cycle, warmup_steps=3, init_value=0.02)
    assert [warm.at(0), warm.at(3)] == [0.02, 0.1] and warm.first_restarts(1) == [10]


def test_sgdr_is_the_schedule_of_optax_at_every_step():
    cycles = [
        {"init_value": 0.0, "peak_value": 0.1, "decay_steps": steps, "warmup_steps": 0,
         "end_value": 0.01} for steps in (8, 16, 32)
    ]  # fmt: skip
    theirs = optax.sgdr_schedule(cycles)(jnp.arange(56))
    ours = la.sgdr_schedule(peak_value=0.1, end_value=0.01, restart_steps=8, restart_multiplier=2.0)
    np.testing.assert_allclose(ours(np.arange(56)), theirs, rtol=1e-5)


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


@pytest.mark.parametrize("argument", [{"end_value": 0.99}, {"base": 1.01}, {"base": 1.05}])
def test_equation_4_keeps_its_digits_at_the_smallest_bases(argument):
    schedule = la.cyclical_log_schedule(
        **{"peak_value": 1.5, "end_value": 0.5, "decay_steps": 1000, "form": "equation_4"}
        | argument
    )
    steps = np.arange(300)  # before its terms cancel
    np.testing.assert_allclose(schedule(steps), schedule.at(steps), rtol=1e-5)


def test_equation_4_has_the_values_that_its_docstring_says():
    schedule = la.cyclical_log_schedule(**CYCLE, form="equation_4")
    values = [round(schedule.at(step), 4) for step in (-1, 0, 5, 14, 15)]
    assert values == [0.0301, 0.0301, 0.0752, 0.0587, 0.0752]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"peak_value": -0.1},
            r"`peak_value` must be .* from 0 to 1e\+30, got -0\.1\. Take 0 or more",
        ),
        ({"peak_value": 10**400}, "`peak_value` must be .* got an integer of 1329 bits"),
        ({"peak_value": np.True_}, "`peak_value` must be a number, got np.True_"),
        ({"peak_value": np.complex64(3)}, "`peak_value` must be a number, got np.complex64"),
        ({"peak_value": np.str_("5")}, "`peak_value` must be a number, got np.str_"),
        ({"decay_steps": np.True_}, "`decay_steps` must be a whole number of steps, got np.True_"),
        ({"decay_steps": np.str_("5")}, "`decay_steps` must be a whole number of steps, got np.st"),
        ({"decay_steps": 10**400}, "`decay_steps` must be .* got an integer of 1329 bits"),
        ({"peak_value": math.nan}, "`peak_value` must be .* got nan"),
        ({"peak_value": math.inf}, "`peak_value` must be .* got inf"),
        ({"peak_value": "0.1"}, "`peak_value` must be a number, got '0.1'. That is text"),
        ({"peak_value": True}, "`peak_value` must be a number, got True"),
        ({"peak_value": None}, "`peak_value` must be a number, got None. Give one"),
        ({"peak_value": np.ones(2)}, r"`peak_value` must be a number, got array.*vmap"),
        (
            {"decay_steps": -1},
            "`decay_steps` must be at least 0 steps and below 2.31, got -1. Take 0 or more",
        ),
        (
            {"decay_steps": 0, "restart_steps": None},
            "`restart_steps` must be given where `decay_steps` is 0, got None. Give the length",
        ),
        (
            {"restart_steps": None, "restart_decay": 0.5},
            "`restart_steps` must be given with `restart_decay`, got None. Leave",
        ),
        (
            {"restart_steps": None, "restart_warmup_steps": 2},
            "`restart_steps` must be given with `restart_warmup_steps`, got None. Leave",
        ),
        (
            {"restart_steps": None, "num_restarts": 2},
            "`restart_steps` must be given with `num_restarts`, got None. Leave",
        ),
        (
            {"restart_warmup_steps": 10},
            "`restart_warmup_steps` must be below the shortest cycle, 10, got 10. Take fewer",
        ),
        (
            {"restart_warmup_steps": 2, "restart_multiplier": 0.5, "num_restarts": 4},
            r"`restart_warmup_steps` must be below the shortest cycle, 1\.25, got 2.",
        ),
        (
            {"restart_warmup_steps": 1, "restart_multiplier": 0.5},
            r"`restart_warmup_steps` must be below the shortest cycle, .*`num_restarts`",
        ),
        ({"restart_warmup_steps": 0}, "`restart_warmup_steps` must be at least 1 step"),
        (
            {"num_restarts": 0},
            "`num_restarts` must be .* at least 1, got 0. Leave it out for endless",
        ),
        ({"num_restarts": 1.5}, "`num_restarts` must be a whole number"),
        ({"restart_decay": 1e7}, "`restart_decay` must be a number from 1e-06 to 1000000, got 1"),
        ({"restart_decay": 0}, "`restart_decay` must be .* got 0. Leave it out for restarts of"),
        ({"final_value": -1}, "`final_value` must be .* got -1. Leave it out to hold"),
        (
            {"warmup_shape": "log"},
            '`warmup_shape` must be "same" or "linear" or "cosine", got \'log\'',
        ),
        ({"restart_warmup_steps": 2.5}, r"must be a whole number of steps, got 2\.5.*stretch"),
        ({"decay_steps": math.nan}, "`decay_steps` must be a whole number of steps, got nan"),
        (
            {"decay_steps": 2**31},
            "`decay_steps` must be .* got 2147483648. Steps are counted in int32",
        ),
        (
            {"warmup_steps": -1},
            "`warmup_steps` must be at least 0 steps and below 2.31, got -1. Leave it",
        ),
        ({"restart_steps": 0}, "`restart_steps` must be at least 1 step .* got 0. Leave it out"),
        ({"restart_multiplier": 0}, "`restart_multiplier` must be .* got 0. Take 1 for"),
        ({"restart_multiplier": -2}, "`restart_multiplier` must be .* got -2"),
        ({"restart_value": -1}, "`restart_value` must be .* Leave it out to restart"),
        ({"base": 1.0}, r"`base` must be from 1\.000001 to 1e\+18, got 1\.0.*straight line"),
        ({"base": 1e19}, r"`base` must be from 1\.000001 to 1e\+18, got 1e\+19"),
        ({"base": 1.001, "form": "equation_4"}, r"`base` must be from 1\.01 to .* got 1\.001"),
        ({"end_value": 0.999, "form": "equation_4"}, r"`end_value` must be .* 0\.990099, got"),
        ({"end_value": 0.0}, r"`end_value` must be from 1e-18 to .* got 0\.0.*give `base`"),
        ({"end_value": 1.0}, r"`end_value` must be from 1e-18 to .* got 1\.0.*give `base`"),
        ({"form": "log"}, '`form` must be .* or "author_release", got \'log\'. Take "anchored" to'),
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
    with pytest.raises(TypeError, match=f"`{field}` must be known when.*outside the traced"):
        jax.jit(lambda value: la.cyclical_log_schedule(**CYCLE | {field: value})(0))(2)


def test_stretching_takes_any_factor_that_leaves_a_length():
    schedule = la.cyclical_log_schedule(**CYCLE)
    assert schedule.stretch(0.2).decay_steps == 2
    assert schedule.stretch(0.5).warmup_steps == 2.5
    with pytest.raises(ValueError, match="`restart_steps` must be a number from 1 to 2.*, got 0.5"):
        schedule.stretch(0.05)
    for factor in (0, -1, math.nan, math.inf, 2**31, 10**400):
        with pytest.raises(ValueError, match="`factor` must be above 0 .* Take the number of"):
            schedule.stretch(factor)
    for factor in ("3", None, True, np.True_, np.ones(2)):
        with pytest.raises(ValueError, match="`factor` must be a number, got"):
            schedule.stretch(factor)
    with pytest.raises(
        ValueError,
        match=r"must stay below 2\^31 steps, got .* by `stretch\(2147483647\)`. Take a smaller",
    ):
        schedule.stretch(2**31 - 1)


def test_stretches_by_numbers_however_they_are_written():
    schedule = la.cyclical_log_schedule(**CYCLE)
    for factor in (np.float32(0.2), np.float64(0.2), jnp.float32(0.2), jnp.array(0.2)):
        assert schedule.stretch(factor) == schedule.stretch(0.2)
    assert schedule.stretch(np.int64(3)) == schedule.stretch(3.0) == schedule.stretch(3)


def test_replacing_inside_a_traced_function_is_refused_with_the_way_out():
    schedule = la.cyclical_log_schedule(**CYCLE)
    with pytest.raises(TypeError, match=r"_steps` must be known .* outside the traced function"):
        jax.jit(lambda schedule: dataclasses.replace(schedule, peak_value=0.2)(0))(schedule)


def test_takes_bfloat16_and_zero_dimensional_arrays():
    schedule = la.constant_schedule(jnp.bfloat16(0.5))
    assert schedule == la.constant_schedule(np.array(0.5)) and schedule.value == 0.5

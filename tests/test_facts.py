"""What a schedule computes with is what it says, and all that a copy or a pickle needs."""

import copy
import json
import pickle
from dataclasses import fields

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from every_schedule import CYCLE, EVERY_SCHEDULE, OF_FUNCTIONS
from on_device import on_device

import log_anneal as la

STEPS = np.arange(60)


def of_sorted_vars(schedule):
    """As a tool does that copies an instance's dict by its names."""
    again = object.__new__(type(schedule))
    vars(again).update(sorted(vars(schedule).items()))
    for name, value in vars(again).items():
        if isinstance(value, dict):
            vars(again)[name] = dict(sorted(value.items()))
    return again


def of_its_fields(schedule):
    """As a tool does that knows the declared fields alone."""
    again = object.__new__(type(schedule))
    names = sorted((field.name for field in fields(schedule)), reverse=True)
    vars(again).update({name: vars(schedule)[name] for name in names})
    return again


def of_sorted_text(schedule):
    """As jsonpickle does: the state as text, with its keys sorted."""
    again = object.__new__(type(schedule))
    again.__setstate__(json.loads(json.dumps(schedule.__getstate__(), sort_keys=True)))
    return again


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "yaml": lambda each: yaml.unsafe_load(yaml.dump(each)),
    "cloudpickle": lambda each: pickle.loads(cloudpickle.dumps(each)),
    "sorted vars": of_sorted_vars,
    "fields": of_its_fields,
    **{
        f"pickle {protocol}": lambda each, protocol=protocol: pickle.loads(
            pickle.dumps(each, protocol)
        )
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_every_copy_has_the_values_and_the_text_of_the_schedule(make):
    for schedule in EVERY_SCHEDULE + OF_FUNCTIONS:
        again = make(schedule)
        np.testing.assert_array_equal(again.at(STEPS), schedule.at(STEPS), err_msg=repr(schedule))
        assert again == schedule and hash(again) == hash(schedule)
        assert repr(again) == repr(schedule)
        assert jax.tree.structure(again) == jax.tree.structure(schedule)


@pytest.mark.parametrize("name", sorted(COPIES.keys() - {"fields"}))
def test_every_copy_of_a_stack_has_its_leaves(name):
    make = COPIES[name]
    schedules = [EVERY_SCHEDULE[9], EVERY_SCHEDULE[-1]]
    for schedule in schedules:
        stack = la.stack([schedule, schedule.stretch(2)])
        again = make(stack)
        assert jax.tree.structure(again) == jax.tree.structure(stack) and again == stack
        jax.tree.map(np.testing.assert_array_equal, again, stack)


def test_a_state_is_the_fields_alone_as_they_were_given():
    schedule = la.cyclical_log_schedule(**CYCLE)
    assert schedule.__getstate__() == {
        field.name: getattr(schedule, field.name) for field in fields(schedule)
    }
    assert of_sorted_text(schedule) == schedule
    assert la.chain([schedule]).__getstate__().keys() == {"parts", "part_steps"}
    assert (0.5 * schedule).__getstate__().keys() == {"first", "second", "operation"}


def test_a_state_from_before_has_its_numbers_by_name_whatever_their_order():
    schedule = la.polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=5)
    leaves = {name: getattr(schedule, name) for name in ("_numbers", "_whole", "_derived")}
    before = schedule.__getstate__() | leaves
    before["_numbers"] = dict(sorted(leaves["_numbers"].items()))
    again = object.__new__(type(schedule))
    again.__setstate__(before)
    assert again.at(3) == schedule.at(3) == pytest.approx(0.4)


def moved(leaf):
    """As a step of an optimizer does: the real leaves change, the whole ones stay."""
    return leaf * 0.5 if leaf.dtype in (np.float64, np.float32) else leaf


def in_bfloat16(leaf):
    return jnp.asarray(leaf, jnp.bfloat16) if leaf.dtype == np.float64 else leaf


TIMED = [
    la.polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=391),
    la.exponential_schedule(init_value=1.0, decay_steps=391, decay_rate=0.5),
    la.tabulated_schedule([1.0, 0.5, 0.25], interval_steps=391, interpolation="linear"),
    la.clr_schedule(init_value=0.5, peak_value=1.0, up_steps=391, down_steps=1001),
    la.cyclical_cosine_schedule(
        peak_value=1.0, end_value=0.25, decay_steps=391, restart_steps=1001,
        restart_multiplier=1.3, restart_warmup_steps=131, num_restarts=259),
    la.cyclical_cosine_schedule(
        peak_value=1.0, end_value=0.25, decay_steps=391, restart_steps=1001),
    la.inverse_sqrt_schedule(peak_value=1.0, warmup_steps=391),
    la.one_cycle_schedule(
        peak_value=1.0, warmup_steps=391.3, decay_steps=1001.7, init_value=0.5, end_value=0.25),
]  # fmt: skip
TIMED += [la.loop(TIMED[0], 391), 0.5 * la.shift(TIMED[0], 391), la.chain([(TIMED[0], 391), 1.0])]


def only_durations(change, path, leaf):
    name = jax.tree_util.keystr(path)
    is_time = name.endswith("_steps") or name.endswith("restart_multiplier")
    return change(leaf) if is_time and "_whole" not in name else leaf


@pytest.mark.parametrize("change", [moved, in_bfloat16])
@pytest.mark.parametrize("schedule", TIMED, ids=repr)
def test_the_leaf_of_a_duration_changes_neither_what_is_computed_nor_what_is_said(schedule, change):
    schedule = jax.tree.map(lambda leaf: leaf, schedule)  # no None follows another field
    other = jax.tree_util.tree_map_with_path(
        lambda path, leaf: only_durations(change, path, leaf), schedule
    )
    steps = np.arange(2048)
    np.testing.assert_array_equal(other.at(steps), schedule.at(steps))
    np.testing.assert_array_equal(on_device(other, steps), on_device(schedule, steps))
    assert repr(other) == repr(schedule)
    assert la.to_dict(other) == la.to_dict(schedule)
    assert other.replace() == other == schedule and hash(other) == hash(schedule)
    assert other.stretch(10) == schedule.stretch(10)


def test_what_is_said_after_a_step_of_an_optimizer_is_what_is_computed():
    """Of all numbers together: the JSON makes the very schedule."""
    for schedule in TIMED:
        schedule = jax.tree.map(lambda leaf: leaf, schedule)
        slope = jax.grad(lambda each: each(100), allow_int=True)(schedule)
        changed = jax.tree_util.tree_map_with_path(
            lambda path, leaf, by: (
                np.maximum(leaf - 1e-3 * by, 0)
                if leaf.dtype == np.float64 and "_derived" not in str(path)
                else leaf
            ),
            schedule,
            slope,
        )
        again = la.from_json(la.to_json(changed))
        np.testing.assert_allclose(again.at(STEPS), changed.at(STEPS), rtol=1e-6)


def test_a_phase_that_begins_after_the_last_step_is_said_as_it_was_given():
    schedule = la.one_cycle_schedule(peak_value=1.0, warmup_steps=2.0**31 - 9, decay_steps=2e9)
    assert eval(repr(schedule), vars(la)) == schedule
    assert "decay_steps=2000000000.0" in repr(schedule)


@pytest.mark.parametrize("length", [13.514668912345, 900 / 7, np.pi, 10 + 1e-6, np.float32(7.3)])
def test_endless_cycles_of_a_real_length_say_the_length_that_is_computed_with(length):
    schedule = la.cyclical_log_schedule(
        **CYCLE | {"restart_steps": length, "restart_multiplier": 1}
    )
    assert schedule.restart_steps == pytest.approx(length, rel=1e-6)
    copies = la.from_json(la.to_json(schedule)), eval(repr(schedule), vars(la))
    for other in (*copies, schedule.replace(peak_value=schedule.peak_value)):
        assert other == schedule and other.first_restarts(99) == schedule.first_restarts(99)

"""Schedules as JSON."""

import json

import jax
import pytest
from every_schedule import EVERY_SCHEDULE

import log_anneal as la

every_schedule = pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)


@every_schedule
def test_comes_back_equal(schedule):
    again = la.from_json(la.to_json(schedule))
    assert again == schedule and repr(again) == repr(schedule)
    assert la.from_dict(la.to_dict(schedule)) == schedule


@every_schedule
def test_comes_back_from_the_device_and_json_equal(schedule):
    returned = jax.jit(lambda schedule: schedule)(schedule)
    assert la.from_json(la.to_json(returned)) == schedule


def test_is_readable():
    schedule = la.cyclical_cosine_schedule(peak_value=0.1, end_value=0.0, decay_steps=10)
    assert json.loads(la.to_json(schedule)) == {
        "schedule": "cyclical_cosine",
        "version": 1,
        "peak_value": 0.1,
        "end_value": 0.0,
        "decay_steps": 10,
        "init_value": 0.0,
        "warmup_steps": 0,
        "restart_steps": None,
        "restart_multiplier": 1.0,
        "restart_value": None,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schedule": "cyclical_logg"}, "`schedule` must be one of .* Did you mean 'cyclical_log'"),
        ({"schedule": None}, "`schedule` must be one of .* got None"),
        ({"schedule": []}, r"`schedule` must be one of .* got \[\]"),
        ({"version": 2}, "`version` must be 1, got 2"),
        ({"version": True}, "`version` must be 1, got True"),
        ({"peek_value": 0.1}, "`field` must be one of .* Did you mean 'peak_value'"),
        ({"peak_value": None}, "`peak_value` must be a number, got None"),
        ({"peak_value": "0.1"}, "`peak_value` must be a number, got '0.1'"),
        ({"peak_value": float("nan")}, "NaN"),
        ({"peak_value": float("inf")}, "Infinity"),
        ({"form": None}, "`form` must be"),
        ({"decay_steps": "10"}, "`decay_steps` must be a whole number"),
    ],
)
def test_refuses_what_to_json_did_not_write(change, message):
    record = la.to_dict(la.cyclical_log_schedule(peak_value=0.1, end_value=0.01, decay_steps=10))
    with pytest.raises(ValueError, match=message):
        la.from_json(json.dumps(record | change))


def test_refuses_a_missing_field():
    record = la.to_dict(la.constant_schedule(0.1))
    del record["value"]
    with pytest.raises(ValueError, match="`value` must be given for constant"):
        la.from_dict(record)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"schedule": "constant"', '"constant"'])
def test_refuses_what_is_no_schedule(text):
    with pytest.raises(ValueError):
        la.from_json(text)


def test_refuses_a_field_given_twice():
    with pytest.raises(ValueError, match="`value` must be given once"):
        la.from_json('{"schedule": "constant", "version": 1, "value": 0.1, "value": 0.2}')

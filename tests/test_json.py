"""Schedules as JSON."""

import collections
import copy
import dataclasses
import json
import types
from typing import ClassVar

import jax
import pytest
from every_schedule import EVERY_SCHEDULE, ONE_OF_EACH_CLASS

import log_anneal as la
from log_anneal._core.record import SCHEDULES

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


@pytest.mark.parametrize("multiplier", [5 / 3, 1 / 3, 0.9, 1.1, 7 / 6])
def test_restarts_do_not_move_on_a_trip_through_the_device(multiplier):
    schedule = la.cyclical_cosine_schedule(
        peak_value=0.1,
        end_value=0.0,
        decay_steps=10,
        restart_steps=7290,
        restart_multiplier=multiplier,
    )
    again = la.from_json(la.to_json(jax.jit(lambda schedule: schedule)(schedule)))
    assert again.restarts(10**9) == schedule.restarts(10**9)
    assert again.restart_multiplier == multiplier


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
        "warmup_shape": "same",
        "restart_steps": None,
        "restart_multiplier": 1.0,
        "restart_value": None,
        "restart_decay": None,
        "restart_warmup_steps": None,
        "num_restarts": None,
        "final_value": None,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schedule": "cyclical_logg"}, "`schedule` must be one of .* Did you mean 'cyclical_log'"),
        ({"schedule": None}, "`schedule` must be one of .* got None"),
        ({"schedule": []}, r"`schedule` must be one of .* got \[\]"),
        ({"version": 2}, r"since release 0\.1\.0, got 2, which a later release wrote. Install"),
        ({"version": 0}, "`version` must be 1, got 0. Or leave it out"),
        ({"version": "1"}, "`version` must be 1, got '1'"),
        ({"version": None}, "`version` must be 1, got None"),
        ({"version": 1.0}, r"`version` must be 1, got 1\.0"),
        ({"version": True}, "`version` must be 1, got True"),
        ({"peek_value": 0.1}, "`peek_value` must be a field .* mean `peak_value`"),
        ({"peak_value": None}, "`peak_value` must be a number, got None"),
        ({"peak_value": "0.1"}, "`peak_value` must be a number, got '0.1'"),
        ({"peak_value": float("nan")}, "`peak_value` must be a number from 0 .* got nan.* Take"),
        ({"peak_value": float("inf")}, "`peak_value` must be a number from 0 .* got inf.* Take"),
        ({"peak_value": 10**400}, "`peak_value` must be a number .* an integer of 1329 bits"),
        ({"decay_steps": 10**400}, "`decay_steps` must be .* below 2.31, got an integer of 1329"),
        ({"schedule": {"schedule": "constant"}}, r"got a record .* alone: `from_dict\(config\["),
        ({"zzz": 1}, "`zzz` must be a field of cyclical_.* It has `"),
        ({"schedule": "zzz"}, "`schedule` must be one of .* got 'zzz'. Import the module"),
        ({"form": None}, "`form` must be"),
        ({"decay_steps": "10"}, "`decay_steps` must be a whole number"),
    ],
)
def test_refuses_what_to_json_did_not_write(change, message):
    record = la.to_dict(la.cyclical_log_schedule(peak_value=0.1, end_value=0.01, decay_steps=10))
    with pytest.raises(ValueError, match=message):
        la.from_json(json.dumps(record | change))


def test_refuses_a_missing_field_that_has_no_default():
    record = la.to_dict(la.constant_schedule(0.1))
    del record["value"]
    with pytest.raises(ValueError, match="`value` must be given for constant, and is missing. Add"):
        la.from_dict(record)


@every_schedule
def test_takes_a_record_without_the_version_and_the_defaults(schedule):
    def bare(value):
        if isinstance(value, list):
            return [bare(each) for each in value]
        if not isinstance(value, dict):
            return value
        fields = dataclasses.fields(SCHEDULES[value["schedule"]])
        defaults = {field.name: field.default for field in fields} | {"version": 1}
        return {name: bare(each) for name, each in value.items() if each != defaults.get(name, ...)}

    record = bare(la.to_dict(schedule))
    assert "version" not in json.dumps(record) and la.from_dict(record) == schedule


class Items:
    """What a `ConfigDict` of ml_collections is: no `Mapping`, but names with values."""

    def __init__(self, record):
        self.record = record

    def items(self):
        return self.record.items()


class Row(collections.UserList):
    """What a `ListConfig` of OmegaConf is: a sequence that is no list."""


KINDS_OF_CONFIG = {
    "a dict with tuples": (dict, tuple),
    "an object with items": (Items, list),
    "a mapping and a sequence": (collections.UserDict, Row),
    "a read-only mapping": (types.MappingProxyType, list),
}


@pytest.mark.parametrize(("mapping", "row"), KINDS_OF_CONFIG.values(), ids=KINDS_OF_CONFIG)
@pytest.mark.parametrize("schedule", ONE_OF_EACH_CLASS, ids=repr)
def test_takes_any_mapping_and_any_sequence(schedule, mapping, row):
    def dressed(value):
        if isinstance(value, dict):
            return mapping({name: dressed(each) for name, each in value.items()})
        return row([dressed(each) for each in value]) if isinstance(value, list) else value

    again = la.from_dict(dressed(la.to_dict(schedule)))
    assert again == schedule and repr(again) == repr(schedule)


NESTED = la.to_dict(
    la.chain([(la.constant_schedule(0.1), 5), la.shift(la.constant_schedule(1), 3)])
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": "1e-3"}, r"`value` must be a number, got '1e-3'.* in `parts\[1\]\.part`"),
        ({"valeu": 1}, r"Did you mean `value`\? It has .* This is in `parts\[1\]\.part`\.$"),
        ({"schedule": "constnat"}, r"Did you mean 'constant'\? This is in `parts\[1\]\.part`"),
        ({"version": 3}, r"got 3, which a later release wrote.* in `parts\[1\]\.part`"),
    ],
)
def test_says_in_which_part_of_a_schedule_the_mistake_is(change, message):
    record = copy.deepcopy(NESTED)
    record["parts"][1]["part"] |= change
    with pytest.raises(ValueError, match=message):
        la.from_dict(record)


def test_says_which_item_of_a_sequence_is_wrong():
    record = la.to_dict(la.tabulated_schedule([0.1, 0.2]))
    with pytest.raises(ValueError, match=r"`values\[1\]` must be a number, got '1e-3'"):
        la.from_dict(record | {"values": [0.1, "1e-3"]})


def test_a_text_is_sent_to_the_function_that_reads_it():
    with pytest.raises(ValueError, match="must be an object.*Read a text by `from_json`"):
        la.from_dict('{"schedule": "constant"}')


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", "[" * 100_000, b"\xff", '{"schedule": "constant"', '"constant"'],
)
def test_refuses_what_is_no_schedule(text):
    with pytest.raises(ValueError, match="must be"):
        la.from_json(text)
    with pytest.raises(TypeError):
        la.from_json(None)


def test_refuses_a_field_given_twice():
    with pytest.raises(ValueError, match="`value` must be given once"):
        la.from_json('{"schedule": "constant", "version": 1, "value": 0.1, "value": 0.2}')


def test_refuses_a_class_without_a_name_of_its_own():
    class Mine(la.ConstantSchedule):
        pass

    with pytest.raises(TypeError, match="`schedule` must be of a class with a name of its own"):
        la.to_dict(Mine(value=0.1))
    assert repr(Mine(value=0.1)) == "Mine(value=0.1)"


def test_refuses_a_name_that_another_class_has():
    with pytest.raises(ValueError, match="`name` must be a new one, got 'constant', which Const"):

        class Mine(la.Schedule):
            name: ClassVar[str] = "constant"

    assert la.from_json(la.to_json(la.constant_schedule(0.1))) == la.constant_schedule(0.1)

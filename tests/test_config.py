"""Config: what it refuses, and what it writes down."""

import dataclasses
import json

import optax
import pytest
import small

import log_anneal as la
from train.augment import Augment
from train.changes import changed
from train.config import Config, digest, flatten
from train.errors import UserError
from train.halt import Halt
from train.models.config import ModelConfig, Transformer
from train.optimizer import OptimizerConfig
from train.preprocess import Preprocess
from train.study import Claim, RangeTests, Study
from train.study.ranges import Range
from train.study.tune import Tune

DESCRIPTIONS = [
    *(Augment, Claim, Config, Halt, ModelConfig, OptimizerConfig, Preprocess, Range, RangeTests),
    *(Study, Transformer, Tune),
]
"""What a person writes down by its fields."""


@pytest.mark.parametrize("cls", DESCRIPTIONS)
def test_a_field_that_is_none_is_answered_with_the_one_that_was_meant(cls):
    right = max((field.name for field in dataclasses.fields(cls)), key=len)
    with pytest.raises(UserError, match=f"`{right}z` must be a field of {cls.__name__}, .* mean"):
        cls(**{f"{right}z": 1})
    with pytest.raises(UserError, match="`zzz` must be a field of .* There are .*" + right):
        cls(zzz=1)


def test_replacing_a_field_that_is_none_is_answered_too():
    with pytest.raises(UserError, match="`epoch` must be a field of Config.* Did you mean epochs"):
        dataclasses.replace(small.config(), epoch=3)
    with pytest.raises(UserError, match="`epoch` must be a field of Config.* Did you mean epochs"):
        changed(small.config(), {"epoch": 3})
    with pytest.raises(UserError, match="`halts` must be a field of Config.* Did you mean halt"):
        changed(small.config(), {"halts.threshold": 3.0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "`epochs` must be a whole number of at least 1, got 0"),
        ({"epochs": 2.5}, "`epochs` must be a whole number of at least 1, got 2.5"),
        ({"batch_size": -8}, "`batch_size` must be a whole number of at least 1, got -8"),
        ({"batch_size": True}, "`batch_size` must be a whole number of at least 1, got True"),
        ({"seed": -1}, "`seed` must be a whole number from 0 to 4294967295, got -1"),
        ({"chunk_steps": 0}, "`chunk_steps` must be a whole number of at least 1 or None, got 0"),
        (
            {"label_smoothing": 1.0},
            "`label_smoothing` must be a number of at least 0 and below 1, got 1.0",
        ),
        ({"validation_fraction": float("nan")}, "`validation_fraction` must be a finite number"),
        ({"seed": 2**32}, "`seed` must be a whole number from 0 to 4294967295, got 4294967296"),
        ({"schedule": 0.1}, r"use `log_anneal.constant_schedule\(value\)`"),
        ({"schedule": optax.constant_schedule(0.1)}, "`schedule_unit` must be steps"),
    ],
)
def test_a_wrong_knob_is_named(changes, message):
    with pytest.raises(UserError, match=message):
        small.config(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"threshold": 0.0},
            "`halt.threshold` must be a number above 0, auto or None, got 0.0. None",
        ),
        ({"threshold": float("nan")}, "`halt.threshold` must be a finite number above 0"),
        ({"grace_epochs": -1}, "`halt.grace_epochs` must be a whole number of at least 0"),
    ],
)
def test_a_wrong_halt_is_named(changes, message):
    with pytest.raises(UserError, match=message):
        Halt(**changes)


def test_the_schedule_counts_epochs_or_steps():
    assert small.config().schedule_in_steps(22) == small.SCHEDULE.stretch(22)
    plain = optax.cosine_decay_schedule(0.1, 10)
    config = small.config(schedule=plain, schedule_unit="steps")
    assert config.schedule_in_steps(22) is plain


def test_the_record_is_json_and_holds_the_schedule():
    record = json.loads(json.dumps(small.config().to_dict()))
    assert la.from_dict(record["schedule"]) == small.SCHEDULE
    # What nobody has given is not written: the records of earlier runs do not have it.
    assert record.keys() == {field.name for field in dataclasses.fields(Config)} - {
        "measures",
        "task",
    }


def test_every_change_changes_the_digest():
    changes = ({"epochs": 3}, {"halt": Halt(threshold=None)}, {"schedule": la.constant_schedule(1)})
    digests = {digest(small.config(**change).to_dict()) for change in ({}, *changes)}
    assert len(digests) == 4
    assert digest(small.config().to_dict()) == digest(small.config().to_dict())


def test_plain_schedules_are_told_apart_by_their_values():
    def record(decay_steps):
        schedule = optax.cosine_decay_schedule(0.1, decay_steps)
        return small.config(schedule=schedule, schedule_unit="steps").to_dict()["schedule"]

    assert record(10) == record(10) != record(11)


def test_flatten_joins_names():
    assert flatten({"a": {"b": 1, "c": {}}, "d": 2}) == {"a.b": 1, "a.c": {}, "d": 2}

"""A study's description: its runs, in which order, and what it refuses."""

import dataclasses
import re

import pytest
import small

import log_anneal as la
from train.changes import changed
from train.errors import UserError
from train.study import (
    AS_PRINTED,
    SETTINGS,
    TUNED,
    Claim,
    Context,
    Range,
    RangeTests,
    Study,
    Tune,
)

COSINE = la.cyclical_cosine_schedule(peak_value=0.05, end_value=1e-3, decay_steps=2)


def study(**changes):
    described = {
        "title": "A study",
        "description": "Of nothing.",
        "base": small.config(),
        "axes": {
            "schedule": {"log": {}, "cosine": {"schedule": COSINE}},
            "network": {"narrow": {"model.width": 4}, "wide": {"model.width": 6}},
        },
        "seeds": (0, 1),
        "baseline": {"schedule": "cosine"},
    }
    return Study(**{**described, **changes})


PEAK = {"schedule.peak_value": Range(low=0.01, high=1.0)}


def claim(check="spread", of=None):
    return Claim("t.one", "nobody", "Nothing.", check, {} if of is None else {"of": of})


@pytest.mark.parametrize("kind", [Study, Tune, Range, RangeTests, Claim, Context])
def test_help_explains_each_field(kind):
    _, _, attributes = kind.__doc__.partition("Attributes:\n")
    told = re.findall(r"^ {6}(\w+): \w", attributes, re.MULTILINE)
    assert told == [field.name for field in dataclasses.fields(kind)]


def test_the_runs_are_all_combinations_with_every_seed():
    runs = study().runs()
    assert len(runs) == len({run.folder for run in runs}) == 2 * 2 * 2
    run = next(run for run in runs if run.folder == "cosine-wide-seed1")
    assert dict(run.labels) == {"schedule": "cosine", "network": "wide"}
    assert run.config == small.config(
        schedule=COSINE, seed=1, model=dataclasses.replace(small.config().model, width=6)
    )


def test_runs_that_share_a_program_follow_each_other_whichever_axis_it_is():
    widths = [run.config.model.width for run in study().runs()]
    assert widths == [4] * 4 + [6] * 4


def test_a_change_may_depend_on_the_other_labels():
    def epochs(context):
        return {"epochs": {"log": 3, "cosine": 5}[context.labels["schedule"]]}

    axes = {**study().axes, "length": {"own": epochs}}
    found = {run.labels["schedule"]: run.config.epochs for run in study(axes=axes).runs()}
    assert found == {"log": 3, "cosine": 5}


def test_a_numbers_folder_has_its_axis_name():
    axes = {"width": {"4": {"model.width": 4}, "6": {"model.width": 6}}}
    folders = [run.folder for run in study(axes=axes, baseline=None, seeds=(3,)).runs()]
    assert folders == ["width_4-seed3", "width_6-seed3"]


def test_most_changes_counts_the_axes_that_leave_the_baseline():
    axes = {
        name: {str(value): {"epochs": value} for value in (1, 2, 3)} for name in ("a", "b", "c")
    }
    centre = dict.fromkeys(axes, "2")
    count = {
        most: len(study(axes=axes, baseline=centre, most_changes=most, seeds=(0,)).runs())
        for most in (0, 1, 2, 3, None)
    }
    assert count == {0: 1, 1: 1 + 6, 2: 1 + 6 + 12, 3: 27, None: 27}


def test_bounds_of_a_range_test_reach_the_schedule_and_its_fallback_stands_in():
    def constant(context):
        return {"schedule": la.constant_schedule(context.bounds[1])}

    axes = {"network": {"narrow": {}}, "schedule": {"high": constant}}
    described = study(axes=axes, baseline=None, range_tests=RangeTests(fallback=(0.01, 0.3)))
    labels = {"network": "narrow", "schedule": "high"}
    assert described.config(labels, 0).schedule == la.constant_schedule(0.3)
    assert described.config(labels, 0, bounds=(0.1, 0.7)).schedule == la.constant_schedule(0.7)


def test_a_search_adds_runs_beside_those_as_printed_where_it_is_asked_for():
    tune = Tune(
        search={"log": PEAK},
        within={"network": "wide"},
    )
    described = study(tune=tune)
    tuned = [run.labels for run in described.runs() if run.labels[SETTINGS] == TUNED]
    assert tuned == [{"schedule": "log", "network": "wide", SETTINGS: TUNED}] * 2
    assert sum(run.labels[SETTINGS] == AS_PRINTED for run in described.runs()) == 8
    found = described.config(tuned[0], 0, tuned={"schedule.peak_value": 0.5})
    assert found.schedule.peak_value == 0.5


def test_a_schedule_that_changes_works_out_its_other_fields_anew():
    config = changed(small.config(), {"schedule.end_value": 0.01, "model.transformer.width": 96})
    with_its_base = small.SCHEDULE.replace(end_value=0.01, base=100.0)  # 1 / end_value
    found, expected = (each.stretch(10).at(range(20)) for each in (config.schedule, with_its_base))
    assert list(found) == list(expected)
    assert config.model.transformer.width == 96
    assert config.model.transformer.num_heads == small.config().model.transformer.num_heads


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, "`epoch` must be a field of Config, and is none. Did you mean epochs?"),
        (
            {"model.wide": 3},
            "`wide` must be a field of ModelConfig, .* Did you mean width?",
        ),
        ({"schedule.peak": 3}, "`peak` must be a field of CyclicalLogSchedule, .* peak_value"),
        ({"schedule.peak_value": -1.0}, "`schedule.peak_value` must be a number from 0"),
        ({"epochs.x": 3}, "`x` must be a field of int, and is none. There are none"),
        ({"optimizer.arguments.b1": 3}, "`b1` must be a field of dict"),
        ({"epochs": 0}, "`epochs` must be a whole number of at least 1, got 0"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_with_the_way_out(changes, message):
    with pytest.raises(UserError, match=message):
        changed(small.config(), changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"baseline": {"schedule": "step"}},
            "labels of `baseline` must .* got 'step'. .* log, cosine",
        ),
        ({"retry": {"lag": {}}}, "labels of `retry` must .*, got 'lag'. There are log, cosine"),
        ({"retry": {"log": {"schedule.peek": 1}}}, "`peek` must be a field of Cyc"),
        ({"claims": [claim(of={"schedule": "sine"})]}, "labels of the claim t.one .* got 'sine'"),
        ({"tune": Tune(search={"lag": PEAK})}, "labels of `tune.search` must .* got 'lag'"),
        ({"most_changes": 1}, "`baseline` must have a label of each axis"),
        ({"seeds": (1, 1)}, "a folder of its own, got log-narrow-seed1 twice"),
        ({"range_tests": RangeTests(fallback=(0, 1), axis="net")}, "`range_tests.axis` must be"),
        ({"tune": Tune(search={}, axis="net")}, "`tune.axis` must be one of"),
        ({"tune": Tune(search={}, within={"network": "huge"})}, "labels of `tune.within` must"),
        (
            {"axes": {"devices": {"one": {}, "two": {"cpu_devices": 2}}}, "baseline": None},
            "`cpu_devices` must be the same",
        ),
    ],
)
def test_a_description_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        study(**changes)

"""The length of a run: what --extend takes, and what config.json then holds."""

from fractions import Fraction

import pytest
import small

from train.errors import UserError
from train.folder import length, sealed, workdir

KEPT = {"step": 44, "was": 2, "is": 3, "schedule": "keep"}
STRETCHED = {"step": 66, "was": 3, "is": 5, "schedule": "stretch"}


@pytest.fixture
def settings():
    return workdir.with_dtype({**small.config().to_dict(), "data_sha256": "abc"})


def start(folder, settings, extend=None, step=0):
    """One start of a run, as far as config.json goes."""
    read = length.read(folder, settings, extend)
    hold = workdir.hold(folder, settings, adjust_schedule=False, length=read)
    said = hold.says(step, settings["epochs"] * 22)
    return read, said, hold.settle(step, settings["epochs"] * 22)["schedule_from_step"]


def written(folder):
    """The record, less the history of the schedules and what seals it."""
    content = sealed.read(folder / "config.json")
    del content["schedules"]
    return content


def test_a_run_that_was_never_extended_has_none_of_the_fields(tmp_path, settings):
    start(tmp_path, settings)
    assert written(tmp_path) == {**settings, "schedule_from_step": 0}
    assert length.read(tmp_path, settings).stretch == 1


def test_each_extension_is_said_and_recorded_with_its_step_and_both_lengths(tmp_path, settings):
    start(tmp_path, settings)
    three, five = {**settings, "epochs": 3}, {**settings, "epochs": 5}
    kept, said, since = start(tmp_path, three, "keep", 44)
    assert (kept.stretch, since) == (1, 0)
    assert said == [
        "epochs was 2 and is 3 from step 44 on, where the rate goes on as its schedule is written"
    ]
    assert written(tmp_path)["extensions"] == [KEPT]
    assert written(tmp_path)["schedule_epochs"] == {"written_for": 2, "stretched_to": 2}

    stretched, said, since = start(tmp_path, five, "stretch", 66)
    assert (stretched.stretch, since) == (Fraction(5, 2), 66)
    assert said == [
        "epochs was 3 and is 5 from step 66 on, where the rate follows its schedule stretched "
        "from 2 to 5 epochs"
    ]
    expected = {
        **five,
        "schedule_from_step": 66,
        "extensions": [KEPT, STRETCHED],
        "schedule_epochs": {"written_for": 2, "stretched_to": 5},
    }
    assert written(tmp_path) == expected
    for extend in (None, "stretch"):  # again, in mid extension: nothing is new
        again, said, since = start(tmp_path, five, extend, 80)
        assert (again.stretch, said, since) == (Fraction(5, 2), [], 66)
    assert written(tmp_path) == expected


def test_another_change_goes_with_an_extension(tmp_path, settings):
    start(tmp_path, settings)
    changed = {**settings, "epochs": 3, "eval_batch_size": 60}
    _, said, _ = start(tmp_path, changed, "stretch", 30)
    assert [line.split()[0] for line in said] == ["eval_batch_size", "epochs"]
    assert written(tmp_path)["changes"] == [{"step": 30, "was": {"eval_batch_size": 120}}]
    # A later change keeps what was recorded before.
    start(tmp_path, {**changed, "eval_batch_size": 30}, None, 40)
    assert [each["step"] for each in written(tmp_path)["extensions"]] == [30]


def test_a_run_that_has_not_begun_cannot_be_extended(tmp_path, settings):
    with pytest.raises(UserError, match="`--extend` must go with a run that has begun, got"):
        start(tmp_path, settings, "keep")
    assert not list(tmp_path.iterdir())


def test_a_choice_cannot_be_taken_back(tmp_path, settings):
    start(tmp_path, settings)
    three = {**settings, "epochs": 3}
    start(tmp_path, three, "keep", 44)
    with pytest.raises(UserError, match="must stay keep, .* from 2 to 3 epochs at step 44, got"):
        start(tmp_path, three, "stretch", 50)


def test_a_function_cannot_be_stretched(tmp_path, settings):
    function = {**settings, "schedule": {"callable": "f", "values_sha256": "a"}}
    start(tmp_path, function)
    with pytest.raises(UserError, match="must be keep where the schedule is a function, which"):
        start(tmp_path, {**function, "epochs": 3}, "stretch")
    # What tells it from others is its values at the length of before.
    longer = {**function, "epochs": 3, "schedule": {"callable": "f", "values_sha256": "b"}}
    read = length.read(tmp_path, longer, "keep")
    how = {"adjust_schedule": False, "length": read}
    workdir.hold(tmp_path, longer, **how, before=function["schedule"])
    with pytest.raises(UserError, match='values_sha256 is "a" there and "b" here'):
        workdir.hold(tmp_path, longer, **how)


@pytest.mark.parametrize("folder", ["log-seed0", "tuning/log/trial_0"])
def test_a_run_of_a_study_is_not_extended_behind_its_back(tmp_path, settings, folder):
    (tmp_path / "study.json").write_text("{}")
    run = tmp_path / folder
    run.mkdir(parents=True)
    start(run, settings)
    with pytest.raises(UserError, match="must go with a run that is no part of a study, got .*wh"):
        start(run, {**settings, "epochs": 3}, "keep")
    assert written(run)["epochs"] == 2

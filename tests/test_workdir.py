"""The run's folder: it belongs to one configuration, and nothing in it is overwritten."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
import small

import log_anneal as la
from train.config import digest
from train.errors import UserError
from train.folder import manifest, sealed, workdir
from train.folder.record import schedule_since


@pytest.fixture
def record():
    return workdir.with_dtype({**small.config().to_dict(), "data_sha256": "abc"})


def other_schedule():
    return la.to_dict(la.constant_schedule(0.1))


def start(folder, record, *, adjust_schedule=False, step=0, total_steps=44):
    hold = workdir.hold(folder, record, adjust_schedule=adjust_schedule)
    return hold.settle(step, total_steps)["schedule_from_step"]


def written(folder):
    """The record, less the history of the schedules and what seals it."""
    content = sealed.read(folder / "config.json")
    assert content.pop("schedules")[-1]["from_step"] == content["schedule_from_step"]
    return content


def test_the_first_start_writes_all_of_the_config(tmp_path, record):
    assert start(tmp_path, record) == 0
    assert written(tmp_path) == {**record, "schedule_from_step": 0}


def test_a_claim_writes_nothing_before_it_is_settled(tmp_path, record):
    workdir.hold(tmp_path, record, adjust_schedule=False)
    assert not list(tmp_path.iterdir())


def test_the_same_config_is_welcome_again(tmp_path, record):
    start(tmp_path, record)
    before = (tmp_path / "config.json").stat().st_mtime_ns
    assert start(tmp_path, {**record, "data_dir": "elsewhere"}, step=7) == 0
    assert (tmp_path / "config.json").stat().st_mtime_ns == before


@pytest.mark.parametrize("adjust", [False, True])
def test_another_config_is_refused_and_the_fields_are_listed(tmp_path, record, adjust):
    start(tmp_path, record)
    changed = {**record, "epochs": 7, "augment": {**record["augment"], "flip": True}}
    with pytest.raises(UserError) as raised:
        start(tmp_path, changed, adjust_schedule=adjust)
    assert "epochs is 2 there and 7 here" in str(raised.value)
    assert "augment.flip is false there and true here" in str(raised.value)
    assert written(tmp_path) == {**record, "schedule_from_step": 0}


def test_another_schedule_is_refused_with_the_flag_that_accepts_it(tmp_path, record):
    start(tmp_path, record)
    with pytest.raises(UserError, match="go on with this schedule by `--adjust-schedule`"):
        start(tmp_path, {**record, "schedule": other_schedule()})


def test_an_adjusted_schedule_keeps_the_old_record_and_its_step(tmp_path, record):
    start(tmp_path, record)
    changed = {**record, "schedule": other_schedule()}
    assert start(tmp_path, changed, adjust_schedule=True, step=22) == 22
    assert written(tmp_path) == {**changed, "schedule_from_step": 22}
    (kept,) = (tmp_path / "set_aside").iterdir()
    assert sealed.read(kept) == {
        **record,
        "schedule_from_step": 0,
        "schedules": [schedule_since(0, record, Fraction(1))],
    }


def halting_at(record, threshold):
    return {**record, "halt": {**record["halt"], "threshold": threshold}}


def test_another_halt_is_accepted_said_and_recorded(tmp_path, record):
    start(tmp_path, record)
    changed = halting_at(record, 9.0)
    hold = workdir.hold(tmp_path, changed, adjust_schedule=False)
    assert hold.says(22, 44) == ['halt.threshold was "auto" and is 9.0 from step 22 on']
    assert hold.settle(22, 44)["schedule_from_step"] == 0
    first = {"step": 22, "was": {"halt.threshold": "auto"}}
    assert written(tmp_path) == {**changed, "schedule_from_step": 0, "changes": [first]}
    (kept,) = (tmp_path / "set_aside").iterdir()
    assert sealed.read(kept) == {
        **record,
        "schedule_from_step": 0,
        "schedules": [schedule_since(0, record, Fraction(1))],
    }

    assert workdir.hold(tmp_path, changed, adjust_schedule=False).says(30, 44) == []
    both = {**halting_at(record, None), "schedule": other_schedule()}
    assert start(tmp_path, both, adjust_schedule=True, step=33) == 33
    second = {"step": 33, "was": {"halt.threshold": 9.0}}
    assert written(tmp_path) == {**both, "schedule_from_step": 33, "changes": [first, second]}


MAY_CHANGE = {
    *("data_dir", "dataset", "halt", "engine", "cpu_devices"),
    *("chunk_steps", "eval_batch_size", "checkpoint_epochs"),
}


@pytest.mark.parametrize("field", sorted(small.config().to_dict()))
def test_a_field_that_changes_no_step_may_change_and_every_other_may_not(tmp_path, record, field):
    start(tmp_path, record)
    value = {"new": 1} if isinstance(record[field], dict) else {"epochs": 1}.get(field, "new")
    changed = {**record, field: {**record[field], **value} if field == "model" else value}
    if field in MAY_CHANGE:
        start(tmp_path, changed, step=22)
        says = {"data_dir": False}.get(field, True)
        assert ("changes" in written(tmp_path)) == says
        assert (written(tmp_path)[field] == changed[field]) == says
    else:
        with pytest.raises(UserError, match=f"which holds another: .*{field}"):
            start(tmp_path, changed)


def test_a_data_set_of_another_digest_is_another_one(tmp_path, record):
    start(tmp_path, record)
    with pytest.raises(UserError, match="dataset is .*; data_sha256 is"):
        start(tmp_path, {**record, "dataset": "new", "data_sha256": "0" * 64})


def test_the_number_of_devices_may_not_change_where_batch_norm_is_local(tmp_path, record):
    local = {**record, "model": {**record["model"], "batch_norm": "local"}}
    start(tmp_path, local)
    with pytest.raises(UserError, match="cpu_devices is 1 there and 2 here"):
        start(tmp_path, {**local, "cpu_devices": 2})


def test_a_change_after_the_end_changes_nothing(tmp_path, record):
    start(tmp_path, record)
    hold = workdir.hold(tmp_path, halting_at(record, 9.0), adjust_schedule=False)
    assert hold.says(44, 44) == []
    hold.settle(44, 44)
    assert written(tmp_path) == {**record, "schedule_from_step": 0}


def test_the_history_has_each_schedule_with_its_step(tmp_path, record):
    start(tmp_path, record)
    for step in (22, 33):
        changed = {**record, "schedule": la.to_dict(la.constant_schedule(1 / step))}
        start(tmp_path, changed, adjust_schedule=True, step=step)
    found = sealed.read(tmp_path / "config.json")["schedules"]
    assert [each["from_step"] for each in found] == [0, 22, 33]
    assert found[0]["schedule"] == record["schedule"] and found[0]["stretch"] == [1, 1]
    assert found[2]["schedule"]["value"] == 1 / 33
    # Sent back to step 30, it takes another one: that of step 33 was never used for a step.
    start(tmp_path, {**record, "schedule": other_schedule()}, adjust_schedule=True, step=30)
    assert [x["from_step"] for x in sealed.read(tmp_path / "config.json")["schedules"]] == [
        *(0, 22, 30)
    ]


def test_a_record_of_before_is_read_and_written_anew(tmp_path, record):
    """It has no version, no digest, and the type of the computation may be `auto`."""
    old = {**record, "model": {**record["model"], "dtype": "auto"}, "schedule_from_step": 22}
    (tmp_path / "config.json").write_text(json.dumps(old))
    given = {**record, "model": {**record["model"], "dtype": "float32"}}
    assert start(tmp_path, given, step=30) == 22
    content = sealed.read(tmp_path / "config.json")
    assert content["model"]["dtype"] == "float32"
    assert [each["schedule"] for each in content["schedules"]] == [None, record["schedule"]]
    (kept,) = (tmp_path / "set_aside").iterdir()
    assert json.loads(kept.read_text()) == old


def test_a_record_of_a_newer_release_is_refused_in_one_line(tmp_path, record):
    whole = {**record, "version": 2}
    (tmp_path / "config.json").write_text(json.dumps({**whole, "sha256": digest(whole)}))
    with pytest.raises(UserError, match=r"config.json must be of version 1 or of before, got 2"):
        start(tmp_path, record)


DAMAGES = {
    "gone": Path.unlink,
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "a digit": lambda path: path.write_text(path.read_text().replace('"epochs": 2', '"epochs": 3')),
    "its seal": lambda path: path.write_text(path.read_text().replace('"sha256"', '"shb256"')),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_record_is_taken_from_the_newest_checkpoint(tmp_path, record, damage):
    start(tmp_path, record)
    content = sealed.read(tmp_path / "config.json")
    for step in (3, 22):
        of = {**content, "seed": step}  # so that the newer one is told from the older one
        about = manifest.describe({}, step=step, score=None, about={"record": of})
        path = tmp_path / f"checkpoints/{step}/manifest/metadata"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(about))
    damage(tmp_path / "config.json")
    hold = workdir.hold(tmp_path, {**record, "seed": 22}, adjust_schedule=False)
    assert "config.json is not as it was written (it " in hold.held.mended
    assert hold.held.mended.endswith("; it is that of step 22 again")
    hold.settle(22, 44)
    assert sealed.read(tmp_path / "config.json") == {**content, "seed": 22}


@pytest.mark.parametrize("flag", [True, False])
def test_an_adjusted_run_goes_on_by_the_same_command_and_without_the_flag(tmp_path, record, flag):
    start(tmp_path, record)
    changed = {**record, "schedule": other_schedule()}
    start(tmp_path, changed, adjust_schedule=True, step=22)
    assert start(tmp_path, changed, adjust_schedule=flag, step=30) == 22


def test_a_run_that_has_ended_or_not_begun_cannot_be_adjusted(tmp_path, record):
    with pytest.raises(UserError, match="must go with a run that has begun"):
        start(tmp_path, record, adjust_schedule=True)
    start(tmp_path, record)
    changed = {**record, "schedule": other_schedule()}
    with pytest.raises(UserError, match="must go with a run that has steps left"):
        start(tmp_path, changed, adjust_schedule=True, step=44)
    assert written(tmp_path)["schedule"] == record["schedule"]


def test_a_config_file_that_cannot_be_read_is_left_alone(tmp_path, record):
    (tmp_path / "config.json").write_text("{ torn")
    with pytest.raises(UserError, match="cannot be read as JSON.. Put back a copy"):
        start(tmp_path, record)
    assert (tmp_path / "config.json").read_text() == "{ torn"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="`--workdir` must be a folder that can be written to"):
        workdir.make_folder(tmp_path / "file" / "run")

"""The run's folder: it belongs to one configuration, and nothing in it is overwritten."""

import json

import pytest
import small

import log_anneal as la
from train.config import digest
from train.errors import UserError
from train.folder import workdir


@pytest.fixture
def record():
    return {**small.config().to_dict(), "data_sha256": "abc"}


def other_schedule():
    return la.to_dict(la.constant_schedule(0.1))


def start(folder, record, *, adjust_schedule=False, step=0, total_steps=44):
    return workdir.hold(folder, record, adjust_schedule=adjust_schedule).settle(step, total_steps)


def written(folder):
    return json.loads((folder / "config.json").read_text())


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
    assert json.loads(kept.read_text()) == {**record, "schedule_from_step": 0}


def halting_at(record, threshold):
    return {**record, "halt": {**record["halt"], "threshold": threshold}}


def test_another_halt_is_accepted_said_and_recorded(tmp_path, record):
    start(tmp_path, record)
    changed = halting_at(record, 9.0)
    hold = workdir.hold(tmp_path, changed, adjust_schedule=False)
    assert hold.says(22, 44) == ['halt.threshold was "auto" and is 9.0 from step 22 on']
    assert hold.settle(22, 44) == 0
    first = {"step": 22, "was": {"halt.threshold": "auto"}}
    assert written(tmp_path) == {**changed, "schedule_from_step": 0, "changes": [first]}
    (kept,) = (tmp_path / "set_aside").iterdir()
    assert json.loads(kept.read_text()) == {**record, "schedule_from_step": 0}

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


def test_no_change_but_of_another_run_changes_the_digest_that_checkpoints_carry(record):
    digest = workdir.fixed_digest(record)
    assert workdir.fixed_digest(halting_at(record, 9.0)) == digest
    assert workdir.fixed_digest({**record, "schedule": other_schedule()}) == digest
    assert workdir.fixed_digest({**record, "seed": 1}) != digest


def test_the_digest_of_checkpoints_of_before_is_known(tmp_path, record):
    start(tmp_path, record)
    old = {name: record[name] for name in record.keys() - {"schedule", "schedule_unit", "data_dir"}}
    hold = workdir.hold(tmp_path, halting_at(record, 9.0), adjust_schedule=False)
    assert hold.digests == {digest(old): 2, workdir.fixed_digest(record): 2}


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
    with pytest.raises(UserError, match="cannot be read. Put back a copy"):
        start(tmp_path, record)
    assert (tmp_path / "config.json").read_text() == "{ torn"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="`--workdir` must be a folder that can be written to"):
        workdir.make_folder(tmp_path / "file" / "run")

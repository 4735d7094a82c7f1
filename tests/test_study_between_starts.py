"""Between two starts of a study: what may change although runs have begun, and how it is told."""

import json
import shutil

import pytest
import studies

from train import changes
from train.errors import UserError
from train.study import free, looks
from train.study import loop as study_loop
from train.study.plan import plan

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")


def make(study, folder):
    study_loop.run(study, folder, name="small", size="smoke")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    make(studies.study(), folder)
    return folder


def test_a_study_goes_on_with_other_settings_that_change_no_number(whole, tmp_path, capsys):
    folder = tmp_path / "study"
    shutil.copytree(whole, folder)
    shutil.rmtree(folder / "log-seed1")
    times = {path: path.stat().st_mtime_ns for path in folder.glob("*/metrics.jsonl")}
    others = {"eval_batch_size": 60, "chunk_steps": 1}
    other = studies.study(base=changes.changed(studies.study().base, others))
    assert plan(other, folder, "smoke", other.runs(), on_paper=False).done == 3
    make(other, folder)
    said = capsys.readouterr().out
    assert "eval_batch_size was 120 and is 60, for 3 runs that had begun\n" in said
    assert "chunk_steps was null and is 1, for 3 runs that had begun\n" in said
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert json.loads((folder / "log-seed1/config.json").read_text())["eval_batch_size"] == 60
    record = json.loads((folder / "study.json").read_text())
    (change,) = record["changes"]
    assert change["was"] == {"eval_batch_size": 120, "chunk_steps": None}
    assert change["is"] == others
    assert change["runs"] == ["log-seed0", "cosine-seed0", "cosine-seed1"]
    make(other, folder)
    assert json.loads((folder / "study.json").read_text())["changes"] == [change]


@pytest.mark.parametrize("stays", [{"halt.threshold": 9.0}, {"checkpoint_epochs": 2}])
def test_what_changes_what_is_measured_stays_in_a_study(whole, stays):
    other = studies.study(base=changes.changed(studies.study().base, stays))
    with pytest.raises(
        UserError, match=rf"where the settings of log-seed0 \({next(iter(stays))}\), "
    ):
        make(other, whole)


def test_a_run_of_an_old_record_is_the_same_only_if_all_of_it_is():
    base = studies.study().base
    old = {"sha256": free.workdir.settings_sha256(base)}
    assert free.is_same(old, base) and free.is_same({}, base)
    other = changes.changed(base, {"chunk_steps": 7})
    assert not free.is_same(old, other)
    assert free.is_same({**old, "bound_sha256": free.bound_sha256(base)}, other)
    # Where each device has batch statistics of its own, their number changes a step.
    local = changes.changed(base, {"model.batch_norm": "local"})
    more = changes.changed(local, {"cpu_devices": 2})
    assert free.bound_sha256(local) != free.bound_sha256(more)
    assert free.bound_sha256(base) == free.bound_sha256(changes.changed(base, {"cpu_devices": 2}))


def test_seeds_that_come_after_a_verdict_are_told(whole, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(whole, folder)
    text = "Seeds were added when the result over 2 seeds was known."
    assert text not in (folder / "report.md").read_text()
    make(studies.study(seeds=(0, 1, 2)), folder)
    (look,) = json.loads((folder / "study.json").read_text())["looks"]
    assert look["seeds"] == [0, 1]
    assert text in (folder / "report.md").read_text()
    make(studies.study(seeds=(0, 1, 2)), folder)  # nothing new
    assert json.loads((folder / "study.json").read_text())["looks"] == [look]


def test_seeds_that_come_before_a_verdict_are_no_matter(whole, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(whole, folder)
    (folder / "log-seed1/summary.json").unlink()
    old = json.loads((folder / "study.json").read_text())
    assert looks.noted(folder, old, {**old, "seeds": [0, 1, 2]}) == []
    assert looks.noted(folder, old, old) == []

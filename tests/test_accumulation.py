"""Evidence that grows: what is kept of a study is taken over, and told apart by its origin."""

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import small
import studies
from synthetic_study import TWO, change, cut, write_json, write_study

from train.errors import UserError
from train.report import archive, restoring
from train.run import loop
from train.study import pool, repeats

RECORD = {"name": "small", "size": "smoke", "searches": "s"}


def synthetic(folder: Path, **how: object) -> Path:
    """Two schedules and two seeds, all ended, each run with the digest of its settings."""
    write_study(folder, schedules=TWO, seeds=(0, 1), epochs=2, **RECORD)
    record = json.loads((folder / "study.json").read_text())
    change(folder, runs=[{**run, "sha256": run["folder"]} for run in record["runs"]], **how)
    return folder


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    archive.pack(synthetic(tmp_path / "study"), tmp_path / "kept", digits=4)
    return tmp_path / "kept"


def empty(folder: Path, like: Path, **how: object) -> Path:
    """A study's folder before its first run."""
    folder.mkdir()
    write_json(folder / "study.json", json.loads((like / "study.json").read_text()) | how)
    return folder


def runs(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob("*/summary.json")}


def test_every_kept_run_is_taken_over(packed: Path, tmp_path: Path) -> None:
    here = empty(tmp_path / "here", packed)
    assert restoring.restore(packed, here) == f"4 runs are kept in {packed}"
    assert len(runs(here)) == 4
    for run in runs(here):
        assert json.loads((here / run / "kept.json").read_text()) == {"digits": 4}
    assert not list(here.glob(".from*"))


def test_a_kept_run_of_other_settings_is_left(packed: Path, tmp_path: Path) -> None:
    record = json.loads((packed / "study.json").read_text())
    for run in record["runs"]:
        if run["labels"]["schedule"] == "log":
            run["sha256"] = "another"
    here = empty(tmp_path / "here", packed, runs=record["runs"])
    assert restoring.restore(packed, here).endswith("; 2 of other settings are left there")
    assert runs(here) == {"cosine-resnet-seed0", "cosine-resnet-seed1"}


def test_what_the_folder_has_is_not_replaced(packed: Path, tmp_path: Path) -> None:
    here = empty(tmp_path / "here", packed)
    (here / "log-resnet-seed0").mkdir()
    (here / "log-resnet-seed0" / "mine").touch()
    restoring.restore(packed, here)
    assert [path.name for path in (here / "log-resnet-seed0").iterdir()] == ["mine"]


@pytest.mark.parametrize("part", ["name", "size"])
def test_another_study_is_refused(part: str, packed: Path, tmp_path: Path) -> None:
    here = empty(tmp_path / "here", packed, **{part: "other"})
    with pytest.raises(UserError, match=f"`--from` must hold this study, .* whose {part} is "):
        restoring.restore(packed, here)
    assert not runs(here)


def searched(folder: Path, best: float) -> Path:
    """A study whose log runs took what a search found."""
    synthetic(folder)
    record = json.loads((folder / "study.json").read_text())
    record["axes"]["settings"] = ["as printed", "tuned"]
    for run in record["runs"]:
        is_tuned = run["labels"]["schedule"] == "log"
        run["labels"]["settings"] = "tuned" if is_tuned else "as printed"
    write_json(folder / "study.json", record)
    (folder / "tuning" / "log").mkdir(parents=True)
    write_json(folder / "tuning" / "log" / "found.json", {"best": {"schedule.peak_value": best}})
    return folder


@pytest.mark.parametrize("is_alike", [True, False])
def test_searches_are_taken_over_where_they_are_set_alike(is_alike: bool, tmp_path: Path) -> None:
    study = searched(tmp_path / "study", 0.1)
    (study / "tuning" / "log" / "journal.log").write_text("trials\n")
    (study / "tuning" / "log" / "trial000").mkdir()
    archive.pack(study, tmp_path / "kept")
    here = empty(tmp_path / "here", tmp_path / "kept", searches="s" if is_alike else "t")
    restoring.restore(tmp_path / "kept", here)
    cosine = {"cosine-resnet-seed0", "cosine-resnet-seed1"}
    log = {"log-resnet-seed0", "log-resnet-seed1"}
    assert runs(here) == (cosine | log if is_alike else cosine)
    found = {path.name for path in here.glob("tuning/log/*")}
    assert found == ({"found.json", "journal.log"} if is_alike else set())


def test_a_search_of_runs_with_other_settings_is_not_taken_over(tmp_path: Path) -> None:
    archive.pack(searched(tmp_path / "study", 0.1), tmp_path / "kept")
    record = json.loads((tmp_path / "kept" / "study.json").read_text())
    for run in record["runs"]:
        run["sha256"] = run["sha256"] + ("changed" if run["labels"]["settings"] == "tuned" else "")
    here = empty(tmp_path / "here", tmp_path / "kept", runs=record["runs"])
    restoring.restore(tmp_path / "kept", here)
    assert runs(here) == {"cosine-resnet-seed0", "cosine-resnet-seed1"}
    assert not (here / "tuning").exists()


@pytest.mark.parametrize("own", [0.1, 0.2, None], ids=["the same", "another", "begun"])
def test_a_tuned_run_is_taken_over_where_the_folder_found_the_same(
    own: float | None, tmp_path: Path
) -> None:
    archive.pack(searched(tmp_path / "study", 0.1), tmp_path / "kept")
    here = empty(tmp_path / "here", tmp_path / "kept")
    (here / "tuning" / "log").mkdir(parents=True)
    if own is not None:
        write_json(here / "tuning" / "log" / "found.json", {"best": {"schedule.peak_value": own}})
    restoring.restore(tmp_path / "kept", here)
    assert ("log-resnet-seed0" in runs(here)) == (own == 0.1)
    assert "cosine-resnet-seed0" in runs(here)


def test_packing_loses_no_run_and_no_other_study(packed: Path, tmp_path: Path) -> None:
    before = (packed / "runs.tar.xz").read_bytes()
    fewer = synthetic(tmp_path / "fewer")
    cut(fewer / "log-resnet-seed1", 30)
    with pytest.raises(UserError, match="which has 1 more, log-resnet-seed1 among them. Take them"):
        archive.pack(fewer, packed)
    with pytest.raises(UserError, match="`to` must hold this study, other, or be new"):
        archive.pack(synthetic(tmp_path / "other", name="other"), packed)
    assert (packed / "runs.tar.xz").read_bytes() == before
    archive.pack(synthetic(tmp_path / "larger", size="laptop"), packed)  # a size of its own
    assert json.loads((packed / "study.json").read_text())["size"] == "laptop"


def test_of_a_run_that_is_to_go_on_after_a_halt_nothing_is_kept(tmp_path: Path) -> None:
    study = synthetic(tmp_path / "study")
    cut(study / "log-resnet-seed0", 30, "its loss was 4.7")
    record = json.loads((study / "study.json").read_text())
    for goes_on in (False, True):
        change(study, runs=[{**run, "goes_on": goes_on} for run in record["runs"]])
        archive.pack(study, tmp_path / "kept")
        folder = archive.unpack(tmp_path / "kept", tmp_path / f"unpacked {goes_on}")
        assert (folder / "log-resnet-seed0").exists() == (not goes_on)


ORIGINS = [
    {"commit": commit, "device": "1 x cpu", "versions": {"jax": "1"}} for commit in ("a", "b", "c")
]


def originate(folder: Path, origin: dict[str, object], *names: str) -> None:
    for name in names:
        path = folder / name / "summary.json"
        write_json(path, json.loads(path.read_text()) | origin)


def due(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(repeats, "origin", lambda: ORIGINS[2])
    named = studies.study().runs()
    for run, name in zip(named, ("log-0", "log-1", "cosine-0", "cosine-1"), strict=True):
        (folder / run.folder).mkdir(exist_ok=True)
        source = folder / f"{name.replace('-', '-resnet-seed')}" / "summary.json"
        shutil.copy(source, folder / run.folder / "summary.json")
    return [run.folder for run in repeats.due(folder, named)]


def test_one_run_of_each_other_origin_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = synthetic(tmp_path / "study")
    assert due(folder, monkeypatch) == []  # they say nothing of their origin
    originate(folder, ORIGINS[0], "log-resnet-seed0", "log-resnet-seed1")
    originate(folder, ORIGINS[1], "cosine-resnet-seed0")
    originate(folder, ORIGINS[2], "cosine-resnet-seed1")
    assert due(folder, monkeypatch) == ["log-seed0", "cosine-seed0"]
    a_by_b = {"of": ORIGINS[0], "by": ORIGINS[1], "equal": True}
    write_json(folder / "repeats.json", [a_by_b])
    assert due(folder, monkeypatch) == ["log-seed0", "cosine-seed0"]
    write_json(folder / "log-seed0" / "halted.json", {"step": 1, "reason": "of its loss"})
    assert due(folder, monkeypatch) == ["log-seed1", "cosine-seed0"]  # the halted one is passed by
    (folder / "log-seed0" / "halted.json").unlink()
    b_by_c = {"of": ORIGINS[1], "by": ORIGINS[2], "equal": True}
    write_json(folder / "repeats.json", [a_by_b, b_by_c])
    assert due(folder, monkeypatch) == []


@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_a_run_that_was_made_again_is_held_against_the_one_that_is_kept(
    shift: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = synthetic(tmp_path / "study")
    originate(study, ORIGINS[0], *(path.name for path in study.glob("log*")))
    archive.pack(study, tmp_path / "kept", digits=3)
    here = empty(tmp_path / "here", tmp_path / "kept")
    restoring.restore(tmp_path / "kept", here)

    def again(config: object, folder: Path, *, is_quiet: bool) -> None:
        folder.mkdir(parents=True)
        lines = (study / "log-resnet-seed0" / "metrics.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        records[7]["loss"] += shift
        (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in records))

    monkeypatch.setattr(loop, "run", again)
    monkeypatch.setattr(repeats, "origin", lambda: ORIGINS[2])
    said = repeats.make(small.config(), "log-resnet-seed0", here)
    (record,) = json.loads((here / "repeats.json").read_text())
    assert record["equal"] == (shift == 0)
    assert record["largest_difference"] == pytest.approx(shift, abs=0.01)
    assert (record["of"], record["by"]) == (ORIGINS[0], ORIGINS[2])
    assert ("the same numbers as of a" in said) == (shift == 0)
    assert not (here / "repeats").exists() or not list((here / "repeats").iterdir())


def _start(folder: Path, *arguments: str):
    file = folder / "study_small.py"
    file.write_text(studies.FILE.replace("study()", "study(cores=1)"))
    return small.start("study", str(file), "--size", "full", *arguments)


@pytest.mark.slow
def test_a_study_that_stops_and_moves_through_its_archive_ends_with_the_same_report(
    tmp_path: Path,
) -> None:
    """Ten stops at drawn moments, each time packed, and gone on with in another folder."""
    small.outputs([_start(tmp_path, "--workdir", str(tmp_path / "whole"), "--workers", "1")])
    archive.pack(tmp_path / "whole", tmp_path / "of whole", digits=4)
    draw, kept = random.Random(1), tmp_path / "kept"
    for stop in range(11):
        here = tmp_path / f"machine {stop}"
        where = ["--workdir", str(here), "--workers", "1"]
        process = _start(tmp_path, *where, *(["--from", str(kept)] if kept.exists() else []))
        if stop < 10:
            until = time.monotonic() + 60
            while not (here / "progress.html").exists() and time.monotonic() < until:
                time.sleep(0.1)
            time.sleep(draw.uniform(0, 8))
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=200)
            assert process.returncode in (0, 75, -signal.SIGTERM), err  # or at the report
            if list(here.glob("*/summary.json")):
                archive.pack(here, kept, digits=4)
        else:
            small.outputs([process])
    archive.pack(here, kept, digits=4)
    assert studies.results(kept) == studies.results(tmp_path / "of whole")


@pytest.mark.slow
def test_two_workers_come_to_the_report_of_one(tmp_path: Path) -> None:
    if len(pool.cores_of(None, 1)) < 2:
        pytest.skip("skipped: two workers need two cores")
    for num in ("1", "2"):
        small.outputs([_start(tmp_path, "--workdir", str(tmp_path / num), "--workers", num)])
    assert studies.results(tmp_path / "1") == studies.results(tmp_path / "2")

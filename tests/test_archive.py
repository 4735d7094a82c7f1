"""A study that is kept: small, whole, and the same report again."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from PIL import Image
from synthetic_study import TWO, change, cut, write_json, write_study

from train import report
from train.errors import UserError
from train.report import archive


def write(folder: Path, **how: object) -> Path:
    """Two schedules, two networks, two seeds; one run halted; a range test; a data folder."""
    test = {"folder": "range_test-a", "label": "a", "bounds": [0.01, 0.1], "suggested": True}
    write_study(
        folder, schedules=TWO, networks=("a", "b c"), seeds=(0, 1), epochs=2, range_test=[test],
        claims=[{"id": "one", "source": "here", "text": "It halts.", "check": "never_halted"}],
        **how,
    )  # fmt: skip
    cut(folder / "log-a-seed0", 30, "its loss was 4.7")
    (folder / "range_test-a").mkdir()
    Image.new("RGB", (1080, 8)).save(folder / "range_test-a" / "range_test.png")
    config = {"data_dir": "/somebody/at/home", "epochs": 2}
    write_json(folder / "range_test-a" / "range_test.json", {"config": config})
    path = folder / "log-a-seed1" / "config.json"
    write_json(path, {**json.loads(path.read_text()), "data_dir": "/somebody/at/home"})
    (folder / "log-a-seed1" / "checkpoints").mkdir()
    (folder / "log-a-seed1" / "curves.png").write_bytes(b"not to be kept")
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with its report."""
    folder = write(tmp_path_factory.mktemp("study"))
    report.write(folder)
    return folder


@pytest.fixture(scope="module")
def packed(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, packed."""
    to = tmp_path_factory.mktemp("results") / "results" / "one"
    archive.pack(study, to)
    return to


def files(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_same_report_comes_of_what_is_kept(study: Path, packed: Path, tmp_path: Path) -> None:
    folder = archive.unpack(packed, tmp_path / "unpacked")
    report.write(folder)
    for name in ("report.md", "report.json"):
        assert (packed / name).read_bytes() == (study / name).read_bytes()
        assert (packed / name).read_bytes() == (folder / name).read_bytes()
    assert dict(report.texts(folder)) == {
        name: (folder / name).read_bytes() for name in ("report.json", "report.md")
    }


def test_what_is_kept_is_the_report_and_its_records_alone(packed: Path) -> None:
    names = {"study.json", "report.md", "report.json", "runs.tar.xz"}
    assert {path.name for path in packed.iterdir()} == {*names, "figures"}
    with tarfile.open(packed / "runs.tar.xz") as kept:
        members = kept.getmembers()
    assert [member.name for member in members if member.name.startswith("log-a")] == [
        "log-a-seed0/config.json", "log-a-seed0/halted.json", "log-a-seed0/metrics.jsonl",
        "log-a-seed1/config.json", "log-a-seed1/metrics.jsonl", "log-a-seed1/summary.json",
    ]  # fmt: skip
    assert {member.name for member in members if "range" in member.name} == {
        "range_test-a/range_test.json",
        "range_test-a/range_test.png",
    }
    assert len(members) == 3 * 8 + 2
    assert {(m.mtime, m.uid, m.gid, m.uname) for m in members} == {(0, 0, 0, "")}


def test_it_does_not_tell_where_the_data_lay(packed: Path, tmp_path: Path) -> None:
    folder = archive.unpack(packed, tmp_path / "unpacked")
    assert not [name for name, content in files(folder).items() if b"somebody" in content]
    config = json.loads((folder / "log-a-seed1" / "config.json").read_text())
    assert config["data_dir"] is None
    assert config["epochs"] == 2


def test_the_same_study_is_packed_to_the_same_bytes(study: Path, packed: Path) -> None:
    before = files(packed)
    archive.pack(study, packed)
    assert files(packed) == before
    assert [path.name for path in packed.parent.iterdir()] == ["one"]


def test_fewer_digits_take_less_room_and_the_report_says_it(
    study: Path, packed: Path, tmp_path: Path
) -> None:
    archive.pack(study, tmp_path / "few", digits=4)
    few, every = (folder / "runs.tar.xz" for folder in (tmp_path / "few", packed))
    assert few.stat().st_size < 0.6 * every.stat().st_size
    text = (tmp_path / "few" / "report.md").read_text()
    told = "the loss and the rate of each training step are kept to 4 digits"
    assert f"| Rounded | {told}, and this report is made of these |" in text
    assert told not in (packed / "report.md").read_text()
    folder = archive.unpack(tmp_path / "few", tmp_path / "unpacked")
    assert report.texts(folder)["report.md"] == text.encode()


def test_the_report_of_a_kept_study_is_written_again(packed: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(packed, kept)
    (kept / "report.md").write_text("in old words")
    (kept / "figures" / "old.png").write_bytes(b"")
    archive.write_again(kept)
    assert files(kept) == files(packed)


@pytest.mark.parametrize("is_begun", [True, False], ids=["unfinished", "not begun"])
def test_of_an_unfinished_study_the_runs_that_ended_are_kept(
    tmp_path: Path, is_begun: bool
) -> None:
    write_study(tmp_path / "study", schedules=TWO, seeds=(0,), epochs=2)
    cut(tmp_path / "study" / "log-resnet-seed0", 30 if is_begun else 0)
    archive.pack(tmp_path / "study", tmp_path / "kept")
    folder = archive.unpack(tmp_path / "kept", tmp_path / "unpacked")
    assert (folder / "cosine-resnet-seed0" / "summary.json").exists()
    assert not (folder / "log-resnet-seed0").exists()
    assert "1 of 2 runs" in (tmp_path / "kept" / "report.md").read_text()


def test_why_a_run_could_not_be_made_is_kept_for_the_report(tmp_path: Path) -> None:
    write_study(tmp_path / "study", schedules=TWO, seeds=(0,), epochs=2)
    shutil.rmtree(tmp_path / "study" / "log-resnet-seed0")
    (tmp_path / "study" / "failed").mkdir()
    why = {"why": "`x` must be 1, got 2. Take 1."}
    write_json(tmp_path / "study" / "failed" / "log-resnet-seed0.json", why)
    archive.pack(tmp_path / "study", tmp_path / "kept")
    line = "| log-resnet-seed0 | failed | `x` must be 1, got 2. Take 1. |"
    assert line in (tmp_path / "kept" / "report.md").read_text()


def test_a_study_of_which_nothing_is_made_is_not_kept(tmp_path: Path) -> None:
    write_study(tmp_path / "study", schedules={"log": TWO["log"]}, seeds=(0,), epochs=2)
    cut(tmp_path / "study" / "log-resnet-seed0", 30)
    with pytest.raises(UserError, match="a study in which a run has ended"):
        archive.pack(tmp_path / "study", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_folder_that_holds_something_else_is_not_replaced(study: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"`to` must be a new folder or one with runs\.tar\.xz"):
        archive.pack(study, tmp_path)
    assert files(tmp_path) == {"mine.txt": b"mine"}


def test_a_folder_that_holds_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must be a folder with runs\.tar\.xz"):
        archive.unpack(tmp_path, tmp_path / "unpacked")
    assert not list(tmp_path.iterdir())


def test_a_run_that_the_study_does_not_name_is_not_kept(tmp_path: Path) -> None:
    write_study(tmp_path / "study", schedules=TWO, seeds=(0, 1), epochs=1)
    record = json.loads((tmp_path / "study" / "study.json").read_text())
    change(tmp_path / "study", runs=[run for run in record["runs"] if run["seed"] == 0])
    archive.pack(tmp_path / "study", tmp_path / "kept")
    folder = archive.unpack(tmp_path / "kept", tmp_path / "unpacked")
    assert not (folder / "log-resnet-seed1").exists()

"""Which commits, versions and devices the numbers come from, and whether they agree."""

import json
from pathlib import Path
from typing import Any

import pytest
from synthetic_study import TWO, table, write_json, write_study

from train import report
from train.errors import UserError
from train.report import provenance
from train.report.numbers.reading import load
from train.report.pages.page import Paragraph

OLD = {"commit": "aaa1111", "versions": {"python": "3.11", "jax": "0.10.2"}, "device": "1 x cpu"}
NEW = {"commit": "bbb2222", "versions": {"python": "3.11", "jax": "0.10.2"}, "device": "1 x cpu"}
LATER = {"commit": "bbb2222", "versions": {"python": "3.12", "jax": "0.11.0"}, "device": "1 x cpu"}


def mixed(folder: Path, *origins: dict[str, Any], **how: Any) -> None:
    """A study whose runs take turns in where they come from."""
    write_study(folder, schedules=TWO, seeds=range(2), epochs=1, **how)
    paths = sorted(folder.glob("*/summary.json"))
    for place, path in enumerate(paths):
        summary = json.loads(path.read_text())
        date = {"date": f"2026-11-{20 + place}"}
        write_json(path, {**summary, **date, **(origins[place % len(origins)] if origins else {})})


def repeat(folder: Path, of: Any, by: Any, **entry: Any) -> None:
    fields = {"run": "log-resnet-seed0", "of": of, "by": by, **entry}
    (folder / "repeats.json").write_text(json.dumps([fields]))


def warned(folder: Path) -> str:
    blocks = provenance.warnings(load(folder))
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph))


def said(folder: Path) -> str:
    blocks = provenance.section(load(folder))
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph))


def test_a_repeat_that_differs_is_warned_of_though_the_commit_is_one(tmp_path):
    write_study(tmp_path, schedules=TWO, seeds=(0, 1), epochs=2)
    origins = [{"commit": "a", "device": device, "versions": {"jax": "1"}} for device in "xy"]
    entry = {"run": "log-resnet-seed0", "of": origins[0], "by": origins[1], "equal": False}
    write_json(tmp_path / "repeats.json", [{**entry, "largest_difference": 0.5}])
    report.write(tmp_path)
    assert "Mixed: " in (tmp_path / "report.md").read_text()


def test_a_row_for_each_commit_version_and_device(tmp_path: Path) -> None:
    mixed(tmp_path, OLD, LATER)
    rows = table(provenance.section(load(tmp_path)), "The runs by")
    assert [tuple(row.values()) for row in rows] == [
        ("aaa1111", "0.10.2", "1 x cpu", "2", "2026-11-20 to 2026-11-22"),
        ("bbb2222", "0.11.0", "1 x cpu", "2", "2026-11-21 to 2026-11-23"),
    ]


def test_a_run_of_before_commits_were_recorded_is_told_as_such(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0,), epochs=1)
    (row,) = table(provenance.section(load(tmp_path)), "The runs by")
    assert (row["Commit"], row["Runs"]) == ("not recorded", "2")
    assert warned(tmp_path) == ""


def test_versions_and_digests_stand_after_the_results(tmp_path: Path) -> None:
    mixed(tmp_path, OLD)
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    results = text.index("## Results")
    assert results < text.index("ab" * 32) and results < text.index("python 3.11")
    assert text.rindex("\n## ") == text.index("\n## Where the numbers come from")
    assert text.count("ab" * 32) == 1


@pytest.mark.parametrize("other", [NEW, LATER], ids=["commit", "versions too"])
def test_two_origins_are_warned_of(tmp_path: Path, other: dict[str, Any]) -> None:
    mixed(tmp_path, OLD)
    assert warned(tmp_path) == ""
    mixed(tmp_path / "b", OLD, other)
    assert warned(tmp_path / "b").startswith("Mixed: the runs are of 2 commits and of ")
    assert "nothing shows that they agree" in warned(tmp_path / "b")
    report.write(tmp_path / "b")
    text = (tmp_path / "b" / "report.md").read_text()
    assert text.index("> **Mixed: ") < text.index("## What was run")


@pytest.mark.parametrize("where", ["repeats.json", "study.json"])
def test_a_run_that_was_made_again_alike_ends_the_warning(tmp_path: Path, where: str) -> None:
    entry = {"run": "log-resnet-seed0", "of": OLD, "by": NEW, "equal": True}
    mixed(tmp_path, OLD, NEW, **({"repeats": [entry]} if where == "study.json" else {}))
    if where == "repeats.json":
        repeat(tmp_path, OLD, NEW, equal=True, largest_difference=0.0)
    assert warned(tmp_path) == ""
    assert said(tmp_path) == (
        "The run log-resnet-seed0, of commit aaa1111, was made again by commit bbb2222: the "
        "numbers are the same to the bit."
    )


def test_a_run_that_came_out_otherwise_forbids_the_comparison(tmp_path: Path) -> None:
    mixed(tmp_path, OLD, LATER)
    repeat(tmp_path, OLD, LATER, equal=False, largest_difference=0.0123456)
    sentence = (
        "The run log-resnet-seed0, of commit aaa1111, jax 0.10.2, was made again by commit "
        "bbb2222, jax 0.11.0: the numbers differ by up to 0.0123: do not compare runs of the one "
        "with runs of the other."
    )
    assert sentence in warned(tmp_path)
    assert said(tmp_path) == sentence


def test_a_repeat_of_another_origin_shows_nothing(tmp_path: Path) -> None:
    mixed(tmp_path, OLD, NEW, LATER)
    repeat(tmp_path, OLD, NEW, equal=True)
    assert "nothing shows that they agree" in warned(tmp_path)


def test_a_file_of_repeats_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    mixed(tmp_path, OLD)
    (tmp_path / "repeats.json").write_text("{")
    with pytest.raises(UserError, match=r"`repeats\.json` must hold a list of repeated runs"):
        report.write(tmp_path)

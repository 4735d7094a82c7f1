"""The results that are kept: the pages are made of them, and they of their records."""

import json
from pathlib import Path
from typing import Any

import pytest
from small import ROOT

from tools import results
from train import report
from train.errors import UserError
from train.report import archive, settings

KEPT = sorted(path.parent for path in (ROOT / "results").glob("*/report.json"))
_SLOW = 400_000
"""Bytes of records that take more than three seconds to read."""
STUDIES = [
    pytest.param(
        folder,
        id=folder.name,
        marks=[pytest.mark.slow] * ((folder / archive.RUNS).stat().st_size > _SLOW),
    )
    for folder in KEPT
]
needs_results = pytest.mark.skipif(not KEPT, reason="skipped: no study is kept in results/")


def a_report(**changes: Any) -> dict[str, Any]:
    """What report.json of a study of two schedules and two groups holds."""

    def cell(name: str, group: str, n: int, mean: float, half: float | None) -> dict[str, Any]:
        accuracy = {"n": n, "mean": mean, "half_interval": half}
        return {"name": name, "group": group, "runs": n, "final_accuracy": accuracy}

    fields = {
        "name": "experiment1",
        "size": "full",
        "data": "CIFAR-10, JPEG copy",
        "device": "1 x H100, x86_64",
        "date": "2026-11-22",
        "seeds": [0, 1, 2],
        "cells": [
            cell("log", "sane", 3, 91.234, 0.321),
            cell("cosine", "sane", 3, 91.0, 0.2),
            cell("log", "printed", 1, 80.0, None),
        ],
        "answers": [
            {"id": "e1.equal", "verdict": "agrees", "measured": ""},
            {"id": "e1.late", "verdict": "cannot tell", "measured": ""},
            {"id": "e1.early", "verdict": "agrees", "measured": ""},
        ],
    }
    return {**fields, **changes}


@needs_results
def test_the_readme_and_the_page_of_the_papers_are_those_that_the_results_make() -> None:
    for path, text in results.pages(ROOT).items():
        assert path.read_text() == text, "run `python -m tools.results readme`"


@pytest.mark.parametrize("folder", STUDIES or [pytest.param(None, marks=needs_results)])
def test_a_report_is_the_one_that_its_records_make(folder: Path, tmp_path: Path) -> None:
    made = report.texts(archive.unpack(folder, tmp_path / "records"))
    assert dict(made) == {name: (folder / name).read_bytes() for name in made}


@pytest.mark.parametrize("folder", STUDIES or [pytest.param(None, marks=needs_results)])
def test_a_study_of_smoke_size_is_small(folder: Path) -> None:
    size = json.loads((folder / "study.json").read_text())["size"]
    kept = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size == "full" or kept < results.MAX_BYTES


def test_a_study_has_a_row_and_experiment_1_its_accuracies() -> None:
    text = results.block({"experiment1": a_report()})
    assert (
        "| [experiment1](results/experiment1/report.md) | full | CIFAR-10, JPEG copy "
        "| 1 x H100, x86_64 | 2026-11-22 | 7 | 3 | 2 agrees, 1 cannot tell |"
    ) in text
    assert "| schedule | sane | printed |" in text
    assert "| log | 91.2 ± 0.3 | 80.0 (n = 1) |" in text
    assert "| cosine | 91.0 ± 0.2 |  |" in text
    assert "Smoke" not in text


def test_smoke_size_is_said_to_be_no_evidence() -> None:
    text = results.block({"experiment1": a_report(size="smoke")})
    assert "| 3 (smoke: no evidence) |" in text
    assert "is no evidence for or against a schedule" in text


def test_the_full_size_of_experiment_1_goes_before_the_smoke_size() -> None:
    both = {"experiment1": a_report(size="smoke"), "experiment1-full": a_report()}
    text = results.block(both)
    assert "`results/experiment1-full`, full size" in text
    assert "`results/experiment1`, smoke size" not in text


def test_only_what_is_between_the_marks_changes(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "papers.toml").write_bytes((ROOT / "docs" / "papers.toml").read_bytes())
    readme = tmp_path / "README.md"
    marks = (
        "before\n<!-- results -->\n{}\n<!-- /results -->\nthen\n<!-- runs -->\n{}\n<!-- /runs -->\n"
    )
    readme.write_text(marks.format("old", "older"))
    new = marks.format("No study is kept yet.", "No run is kept yet.")
    assert results.pages(tmp_path)[readme] == new
    readme.write_text("before\n<!-- /results -->\nold\n<!-- results -->\nafter\n")
    with pytest.raises(UserError, match=r"README\.md must have the lines <!-- results -->"):
        results.pages(tmp_path)


def test_a_run_is_kept_with_its_seed_and_shown_with_its_data(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="`run` must be the folder of a run that has ended"):
        results.kept(tmp_path)
    summary = {
        "test_accuracy": 0.8428,
        "seconds": 1266.1,
        "device": "2 x cpu",
        "dataset": "cifar10",
    }
    summary |= {"date": "2026-11-21", "versions": {"jax": "0.10.2"}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    config = {"seed": 3, "data_sha256": next(iter(settings.DATA)), "epochs": 4}
    (tmp_path / "config.json").write_text(json.dumps(config))
    row = results.runs_table({"small": json.loads(results.kept(tmp_path))}).splitlines()[-1]
    assert row == (
        "| `configs/small.py` | 3 | CIFAR-10, JPEG copy | 84.3 % | 21 min "
        "| 2 x cpu, jax 0.10.2, 2026-11-21 |"
    )

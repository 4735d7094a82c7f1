"""The results that are kept: the pages are made of them, and they of their records."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from small import ROOT

from tools import readme, results
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
    """What report.json of a study of three schedules and two groups holds."""

    def cell(name: str, group: str, n: int, mean: float, half: float | None) -> dict[str, Any]:
        accuracy = {"n": n, "mean": mean, "half_interval": half}
        less = {"mean": -0.5, "low": -0.9, "high": -0.1, "p": 0.0123} if name == "log" else None
        labels = {"name": name, "group": group, "runs": 3}
        return {**labels, "final_accuracy": accuracy, "less_best": less}

    fields = {
        "name": "experiment1",
        "size": "full",
        "data": "CIFAR-10, JPEG copy",
        "device": "1 x H100, x86_64",
        "date": "2026-11-22",
        "seeds": [0, 1, 2],
        "headline": "With 3 seeds, cosine ends 0.50 points above log.",
        "main_group": "sane",
        "runs_done": 9,
        "runs_planned": 9,
        "figures": {"differences": "Points above cosine [of 100]: log \u22120.50."},
        "cells": [
            cell("none", "sane", 2, 95.0, 0.5),
            cell("log", "sane", 3, 90.5, 0.321),
            cell("cosine", "sane", 3, 91.0, 0.2),
            cell("log", "printed", 3, 80.0, None),
        ],
        "answers": [
            {"id": "e1.late", "verdict": "cannot tell", "measured": ""},
            {"id": "e1.equal", "verdict": "agrees", "measured": ""},
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
    assert size != "smoke" or kept < results.MAX_BYTES


def test_the_verdict_comes_first_then_the_schedules_from_the_best_to_the_worst() -> None:
    text = readme.block({"experiment1": a_report()})
    assert text.startswith("**With 3 seeds, cosine ends 0.50 points above log.**\n\n")
    assert (
        "| schedule | test accuracy, % | seeds | less the best, points | p, Holm |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| cosine | 91.00 ± 0.20 | 3 of 3 | the best |  |\n"
        "| log | 90.50 ± 0.32 | 3 of 3 | \u22120.50 (\u22120.90 to \u22120.10) | 0.012 |\n"
        "| none | 95.00 ± 0.50 | 2 of 3 | \u2013 |  |\n"
    ) in text
    assert (
        "![Points above cosine (of 100): log \u22120.50.]"
        "(results/experiment1/figures/differences.png)"
    ) in text
    assert (
        "| [experiment1](results/experiment1/report.md) | full | CIFAR-10, JPEG copy "
        "| 1 x H100, x86_64 | 2026-11-22 | 9 | 3 | 2 agrees, 1 cannot tell |"
    ) in text
    assert "Smoke" not in text


def test_what_the_verdict_depends_on_stands_below_it() -> None:
    power, edge = "Between cosine and log it would have seen 0.3 points.", "1 of 3 chose the edge."
    text = readme.block(
        {
            "experiment1": a_report(power=power, edges=[edge]),
            "smith": a_report(name="smith", size="laptop", power=power, edges=[edge]),
        }
    )
    assert text.startswith(
        f"**With 3 seeds, cosine ends 0.50 points above log.**\n\n{power}\n\n{edge}\n\n[exp"
    )
    assert f"laptop size: With 3 seeds, cosine ends 0.50 points above log. {power}\n" in text


def test_smoke_size_comes_last_and_is_said_to_be_no_evidence() -> None:
    smoke = a_report(size="smoke", headline="No evidence")
    text = readme.block({"a": smoke})
    assert text.startswith("Which schedule is better cannot be said yet: no study has a finished ")
    assert "| 3 (smoke: no evidence) |" in text
    assert "is no evidence for or against a schedule" in text
    assert "less the best" not in text and "90.5" not in text and "figures" not in text
    three = {"a": smoke, "b": a_report(size="laptop"), "c": a_report(name="smith")}
    rows = [line for line in readme.block(three).splitlines() if line.startswith("| [")]
    assert [row[2:5] for row in rows] == ["[c]", "[b]", "[a]"]


def test_the_study_of_all_schedules_goes_before_experiment_1() -> None:
    studies = {
        "experiment1": a_report(),
        "schedules": a_report(name="schedules", size="laptop", headline="Log wins."),
        "experiment1-smoke": a_report(size="smoke", headline="Nothing."),
        "smith": a_report(name="smith", size="laptop", headline="Triangles."),
    }
    text = readme.block(studies)
    assert text.startswith("**Log wins.**\n\n[schedules](results/schedules/report.md), laptop size")
    assert "- [experiment1](results/experiment1/report.md), full size: With 3 seeds" in text
    assert "- [smith](results/smith/report.md), laptop size: Triangles." in text
    assert "Nothing." not in text
    sizes = {"a": a_report(size="laptop", headline="A."), "b": a_report(headline="B.")}
    assert readme.block(sizes).startswith("**B.**")


def test_an_unfinished_study_has_no_winner_on_the_first_page() -> None:
    text = readme.block({"a": a_report(runs_done=4), "b": a_report(name="smith", runs_done=5)})
    assert text.startswith("**4 of 9 runs so far. There is no verdict yet.**")
    assert "- [b](results/b/report.md), full size: 5 of 9 runs so far. There is no verdict" in text
    assert "With 3 seeds" not in text and "best" not in text
    assert re.findall(r"^\| (none|log|cosine) \|", text, re.MULTILINE) == ["none", "log", "cosine"]
    assert "| 4 of 9 runs so far | 3 |" in text


def test_only_what_is_between_the_marks_changes(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "papers.toml").write_bytes((ROOT / "docs" / "papers.toml").read_bytes())
    page = tmp_path / "README.md"
    marks = (
        "before\n<!-- results -->\n{}\n<!-- /results -->\nthen\n<!-- runs -->\n{}\n<!-- /runs -->\n"
    )
    page.write_text(marks.format("old", "older"))
    new = marks.format("No study is kept yet.", "No run is kept yet.")
    assert results.pages(tmp_path)[page] == new
    page.write_text("before\n<!-- /results -->\nold\n<!-- results -->\nafter\n")
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


def test_a_study_without_a_finished_run_has_no_row_and_no_empty_table() -> None:
    begun = {**a_report(size="laptop"), "runs_done": 0, "runs_planned": 150}
    text = readme.block({"experiment1": begun})
    assert "cannot be said yet: no study has a finished run at a size that is evidence" in text
    assert "0 of 150" not in text and "| study |" not in text
    assert "| schedule | test accuracy" not in text
    text = readme.block({"experiment1": begun, "smith": a_report(name="smith", runs_done=1)})
    assert "0 of 150" not in text and "| 1 of 9 runs so far |" in text

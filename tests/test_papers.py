"""docs/papers.md leaves out no row of the papers, and names nothing that is not there."""

import fnmatch
import functools
import importlib
import re
from collections.abc import Sequence
from typing import Any

import pytest
import small
from small import ROOT

from tools import papers
from train.config import flatten
from train.study.load import load_study

TABLE = ROOT / "docs" / "papers.toml"
ROWS = papers.rows(TABLE)
STUDIES = sorted((ROOT / "configs").glob("study_*.py"))
REQUIRED = [
    "equation-3", "equation-4", "anchored", "base", "step-decay",
    "no-scheduler", "cycle", "author-release", "triangular", "triangular2",
    "exp_range", "windows", "decay-control", "step-size", "range-test",
    "resnet34", "transformer", "resnet50", "googlenet", "xception",
    "vgg19", "vgg16", "smith-cifar10", "smith-cifar100", "smith-imagenet",
    "flips", "crops", "per-pixel-mean", "zca", "gcn",
    "contrast-stretching", "sigmoid", "sparse", "sgd", "adam",
    "second-order", "equation-5", "retrain", "figure-1", "figure-2",
    "figure-3", "smith-figures", "e1-equal", "e1-early", "e1-late",
    "e1-beats-none", "e1-beats-step", "spikes-hidden", "e2-settles", "e2-first-restart",
    "e2-later-restarts", "e2-similar-end", "e2-beats-none", "anytime", "smith-claims",
    "best-settings", "sensitivity", "spikes", "solvers", "which-schedule", "long-warm-up",
    "longer", "gans", "other-fields",
]  # fmt: skip


@functools.cache
def claims() -> frozenset[str]:
    """The ids of all claims of all studies, in both sizes."""
    studies = [load_study(file, size) for file in STUDIES for size in ("smoke", "full")]
    return frozenset(claim.id for study in studies for claim in study.claims)


def a_report(name: str, size: str, *answers: tuple[str, str]) -> dict[str, Any]:
    found = [{"id": claim, "verdict": verdict} for claim, verdict in answers]
    return {"name": name, "size": size, "answers": found}


def test_no_row_of_the_papers_is_missing() -> None:
    assert sorted(row["id"] for row in ROWS) == sorted(REQUIRED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_says_where_and_has_a_result_or_the_reason_why_not(row: dict[str, Any]) -> None:
    assert row["source"] and row["says"] and row["here"]
    assert len({"claims", "study", "without"} & row.keys()) == 1
    assert not row.keys() - {"id", "source", "says", "here", "claims", "study", "without"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_everything_that_a_row_names_is_there(row: dict[str, Any]) -> None:
    knobs = flatten(small.config().to_dict())
    for name in re.findall(r"`([^`]+)`", row["here"]):
        if re.match(r"(configs|docs|tests)/", name):
            assert (ROOT / name).exists(), name
        elif name.startswith("config."):
            assert name.removeprefix("config.") in knobs, name
        elif re.match(r"(train|log_anneal)\.", name):
            assert _find(name.split(".")), name
    assert {f"study_{study}" for study in row.get("study", ())} <= {f.stem for f in STUDIES}


def _find(parts: Sequence[str]) -> bool:
    *module, last = parts
    found = importlib.import_module(".".join(module))
    return hasattr(found, last) or bool(importlib.import_module(".".join(parts)))


def test_every_claim_of_every_study_is_in_a_row() -> None:
    patterns = {pattern for row in ROWS for pattern in row.get("claims", ())}
    assert not {c for c in claims() if not any(fnmatch.fnmatchcase(c, p) for p in patterns)}


@pytest.mark.parametrize(
    "pattern", sorted({pattern for row in ROWS for pattern in row.get("claims", ())})
)
def test_every_claim_that_a_row_names_is_one_of_a_study(pattern: str) -> None:
    assert fnmatch.filter(claims(), pattern)


def test_a_verdict_is_read_from_the_reports_full_sizes_first() -> None:
    row = {"claims": ["e1.late", "e1.late.*"]}
    reports = {
        "a": a_report("experiment1", "smoke", ("e1.late", "disagrees"), ("e1.early", "agrees")),
        "b": a_report("experiment1", "full", ("e1.late", "agrees"), ("e1.late.x", "cannot tell")),
        "c": a_report("smith", "full", ("s.late", "agrees")),
    }
    assert papers.result(row, reports) == (
        "[b, full](../results/b/report.md): e1.late agrees, e1.late.x cannot tell<br>"
        "[a, smoke](../results/a/report.md) (no evidence): e1.late disagrees"
    )
    assert papers.result({"study": ["smith", "spikes"]}, reports) == (
        "[c, full](../results/c/report.md)<br>spikes: not run yet"
    )


def test_smoke_stands_last_and_a_study_that_is_not_whole_says_so() -> None:
    row = {"claims": ["e1.late"]}
    reports = {
        "a": a_report("experiment1", "smoke", ("e1.late", "agrees")),
        "b": a_report("experiment1", "laptop", ("e1.late", "not yet"))
        | {"runs_done": 31, "runs_planned": 60},
        "c": a_report("experiment1", "full", ("e1.late", "no difference")),
    }
    assert papers.result(row, reports) == (
        "[c, full](../results/c/report.md): e1.late no difference<br>"
        "[b, laptop, 31 of 60 runs so far](../results/b/report.md): e1.late not yet<br>"
        "[a, smoke](../results/a/report.md) (no evidence): e1.late agrees"
    )


def test_a_row_without_a_result_says_why() -> None:
    assert papers.result({"claims": ["e1.late"]}, {}) == "not run yet"
    assert papers.result({"without": "not here: so it is"}, {}) == "not here: so it is"


def test_every_row_is_on_the_page() -> None:
    page = papers.page(TABLE, {})
    assert sum(line.startswith("| ") for line in page.splitlines()) == len(ROWS) + len(
        re.findall(r"^## ", page, re.MULTILINE)
    )

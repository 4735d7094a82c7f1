"""What a report says of searches: what was tried, what was chosen, what lies at an edge."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import small
from synthetic_study import CYCLE, change, table, write_study

import log_anneal as la
from train import report
from train.report import searched, settings
from train.report.numbers.reading import load
from train.report.numbers.searches import Tried, searches
from train.report.pages.page import Paragraph
from train.study.ranges import Range
from train.study.tune import Tune, search

SHAPES = {
    "log, steep": la.cyclical_log_schedule(**{**CYCLE, "peak_value": 1.0}),
    "cosine": la.cyclical_cosine_schedule(**{**CYCLE, "peak_value": 1.0}),
    "none": la.constant_schedule(1.0),
}
SCHEDULES = {name: shape * la.constant_schedule(0.1) for name, shape in SHAPES.items()}
RATES = {"schedule.second.value": Range(low=0.01, high=1.28, scale="log")}


def searched_study(
    folder: Path,
    best: dict[str, float],
    ranges: Any = RATES,
    schedules: Any = SCHEDULES,
    **how: Any,
) -> Path:
    """A study whose searches were really made, with trials that find what is called best."""
    pytest.importorskip("optuna", reason="skipped: optuna is not installed")
    write_study(folder, schedules=schedules, seeds=(0, 1), epochs=2, networks=("resnet",))
    (path,) = ranges
    found = []
    for name in schedules:

        def accuracy(config: Any, _: Path, name: str = name) -> float:
            value: Any = config
            for part in path.split("."):
                value = getattr(value, part)
            return 1 - abs(math.log(value / best[name])) / 10

        labels = {"schedule": name, "network": "resnet"}
        where = folder / "tuning" / f"{name.replace(', ', '_')}-resnet"
        config = small.config(schedule=schedules[name])
        tune = Tune(search={name: ranges}, **{"method": "grid", "trials": 8, **how})
        each = search(tune, config, ranges, where, accuracy)
        entry = {"best": each.best, "trials": each.trials, "value": each.value}
        found.append({"labels": labels, **entry})
    change(folder, tuned=found)
    return folder


def test_the_grid_is_listed_and_who_chose_its_edge_is_named(tmp_path: Path) -> None:
    best = {"log, steep": 1.28, "cosine": 0.16, "none": 0.01}
    study = load(searched_study(tmp_path, best))
    (row,) = table(searched.tried(study), "What the searches tried")
    assert list(row.values()) == [
        "all 3 schedules", "base rate", "0.01; 0.02; 0.04; 0.08; 0.16; 0.32; 0.64; 1.28", "8",
    ]  # fmt: skip
    assert searched.edges(study) == [
        "1 of 3 schedules chose the highest base rate that was tried, 1.28: log, steep. Its best "
        "may lie above it.",
        "1 of 3 schedules chose the lowest base rate that was tried, 0.01: none. Its best may lie "
        "below it.",
    ]
    warnings = [b for b in searched.tried(study) if isinstance(b, Paragraph)]
    assert [each.kind for each in warnings] == ["warning", "warning"]
    chosen = table(settings.details(study), "Settings chosen by a search")
    assert [row["Chosen"] for row in chosen] == [
        "base rate 1.28",
        "base rate 0.16",
        "base rate 0.01",
    ]
    report.write(tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["edges"] == searched.edges(study)
    text = (tmp_path / "report.md").read_text()
    assert "> **At the edge of what was tried: 1 of 3 schedules chose the highest base" in text
    assert "second.value" not in text


def test_several_at_one_edge_are_one_warning(tmp_path: Path) -> None:
    study = load(searched_study(tmp_path, dict.fromkeys(SCHEDULES, 1.28)))
    assert searched.edges(study) == [
        "3 of 3 schedules chose the highest base rate that was tried, 1.28: log, steep; cosine; "
        "none. Their best may lie above it."
    ]


def test_a_search_without_an_edge_warns_of_nothing(tmp_path: Path) -> None:
    study = load(searched_study(tmp_path, dict.fromkeys(SCHEDULES, 0.16)))
    assert searched.edges(study) == []
    assert not [b for b in searched.tried(study) if isinstance(b, Paragraph)]


def test_a_range_that_was_drawn_from_is_told_by_its_ends(tmp_path: Path) -> None:
    momentum = {"optimizer.momentum": Range(low=0.5, high=0.9)}
    best = dict.fromkeys(SHAPES, 0.7)
    study = load(searched_study(tmp_path, best, momentum, SHAPES, method="drawn", trials=2))
    (row,) = table(searched.tried(study), "What the searches tried")
    assert list(row.values()) == [
        "all 3 schedules", "optimizer momentum", "drawn from 0.5 to 0.9", "2",
    ]  # fmt: skip


GRID = (0.01, 0.1, 1.0)


@pytest.mark.parametrize(
    ("value", "is_log", "grid", "edge"),
    [
        (0.98, False, (), "highest"),
        (0.9, False, (), None),
        (0.9, True, (), "highest"),
        (0.05, False, (), "lowest"),
        (0.05, True, (), None),
        (0.011, True, (), "lowest"),
        (0.98, True, GRID, None),
        (1.0, True, GRID, "highest"),
        (0.01, True, GRID, "lowest"),
    ],
)
def test_what_is_drawn_is_at_an_edge_in_the_outermost_twentieth(
    value: float, is_log: bool, grid: Any, edge: str | None
) -> None:
    assert Tried("a", "a", 0.01, 1.0, is_log, grid).edge(value) == edge


def test_searches_of_other_axes_too_are_of_settings(tmp_path: Path) -> None:
    searched_study(tmp_path, dict.fromkeys(SCHEDULES, 1.28))
    tuned = json.loads((tmp_path / "study.json").read_text())["tuned"]
    labels = {"schedule": "none", "network": "vgg"}
    shutil.copytree(tmp_path / "tuning" / "none-resnet", tmp_path / "tuning" / "none-vgg")
    change(tmp_path, tuned=[*tuned, {**tuned[-1], "labels": labels}])
    (said,) = searched.edges(load(tmp_path))
    assert said.startswith("4 of 4 settings chose the highest base rate that was tried, 1.28: ")
    assert said.endswith("none / resnet; none / vgg. Their best may lie above it.")


def test_without_a_journal_the_choice_alone_is_told(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=SCHEDULES, seeds=(0,), epochs=1)
    best = {"schedule.second.value": 1.28}
    change(
        tmp_path,
        tuned=[{"labels": {"schedule": "none"}, "best": best, "trials": 8, "value": 0.5}],
    )
    (found,) = searches(load(tmp_path))
    assert found.tried == {} and found.names == {"schedule.second.value": "base rate"}
    assert searched.tried(load(tmp_path)) == []


def test_what_was_run_tells_how_large_a_run_is(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=SCHEDULES, seeds=(0,), epochs=3)
    path = tmp_path / "none-resnet-seed0" / "config.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "model": {**record["model"], "width": None}}))
    facts = {r["Fact"]: r["Value"] for r in table(settings.section(load(tmp_path)), "The study")}
    assert facts["Epochs of a run"] == "3"
    assert facts["Batch"] == f"{record['batch_size']} images"
    assert facts["Network"] == "resnet_small, width 4; resnet_small"

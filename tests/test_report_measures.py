"""What the report measures of a run, and how it holds runs against each other."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_study import (
    SCHEDULES,
    TWO,
    study_of,
    table,
    write_json,
    write_study,
)

import log_anneal as la
from train.report import restarts as section
from train.report import settings, tables
from train.report.numbers.comparisons import Family, against_baseline, clear_best, values_of
from train.report.numbers.measures import MEASURES, area, steps_to, unrest
from train.report.numbers.reading import load
from train.report.numbers.records import Outcome
from train.report.numbers.spikes import Restart, restarts
from train.report.numbers.statistics import holm, paired
from train.report.numbers.words import NONE
from train.report.pages.page import Paragraph, Strong


def a_run(**changes: Any) -> Outcome:
    """Two epochs of ten steps, one restart between them, evaluated four times."""
    loss = np.array([2.0] * 5 + [1.0] * 5 + [3.0] * 5 + [1.0] * 5)
    fields: dict[str, Any] = {
        "name": "run",
        "labels": {},
        "seed": 0,
        "state": "ended",
        "note": "",
        "was_halted": False,
        "goes_on": False,
        "config": {},
        "summary": {},
        "steps_per_epoch": 10,
        "total_steps": 20,
        "train": {"loss": loss},
        "test": {
            "step": np.array([5.0, 10.0, 15.0, 20.0]),
            "loss": np.array([2.0, 1.0, 1.0, 0.5]),
            "accuracy": np.array([0.4, 0.6, 0.5, 0.8]),
        },
        "restarts": [10],
    }
    return Outcome(**{**fields, **changes})


def test_one_seed_says_so_instead_of_an_interval(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=TWO, seeds=(0,), epochs=2)
    row = table(tables.accuracy_and_loss(study), "Accuracy")[0]
    assert re.fullmatch(r"\d+\.\d\d \(n = 1\)", row["Final test accuracy, %"])
    row = table(tables.differences(study), "Final test accuracy less that of cosine")[0]
    assert (row["Pairs"], row["95 % interval"], row["p, Holm"]) == ("1", "n = 1", NONE)


def test_the_best_is_bold_where_every_difference_is_significant(tmp_path: Path) -> None:
    study = study_of(tmp_path, gain={"log": 5.0, "cosine": 0.0, "none": 0.0}, epochs=12)
    best = [
        row["Final test accuracy, %"] for row in table(tables.accuracy_and_loss(study), "Accuracy")
    ]
    assert [isinstance(text, Strong) for text in best] == [True, False, False]
    alone = study_of(tmp_path / "one", schedules={"log": SCHEDULES["log"]}, epochs=2)
    assert clear_best(alone, "resnet", "final_accuracy") is None


def test_the_best_is_not_bold_where_it_may_be_chance(tmp_path: Path) -> None:
    same = {"a": SCHEDULES["none"], "b": la.constant_schedule(0.0200001)}
    study = study_of(tmp_path, schedules=same, baseline=None, gain={}, epochs=3)
    assert clear_best(study, "", "final_accuracy") is None
    assert isinstance(tables.differences(study)[0], Paragraph)


def test_the_correction_is_over_all_pairs_of_a_group(tmp_path: Path) -> None:
    study = study_of(tmp_path, networks=("a", "b"), epochs=3)
    found = against_baseline(study, "final_accuracy")
    assert len(found) == 2 * 2  # networks, schedules but the baseline
    assert {each.cell.labels["schedule"] for each in found} == {"log", "none"}
    for cells in study.groups.values():
        pairs = list(itertools.combinations(cells, 2))
        ps = [paired(*(values_of(c, "final_accuracy") for c in pair)).p for pair in pairs]
        corrected = dict(zip(pairs, holm(ps), strict=True))
        family = Family(study, study.group_of(cells[0].labels), "final_accuracy")
        for (cell, other), p in corrected.items():
            for test in (family.of(cell, other), family.of(other, cell)):
                assert test is not None and test.p == pytest.approx(p)
            assert all(t.p == p for t in found if {t.cell, t.other} == {cell, other})


def test_bold_and_the_tables_of_differences_have_one_correction(tmp_path: Path) -> None:
    gain = {"log": 0.62, "cosine": 0.5, "none": -2.0}
    alike = {name: la.constant_schedule(0.02 + n / 1e6) for n, name in enumerate(gain)}
    for seeds in range(3, 9):
        folder = tmp_path / str(seeds)
        study = study_of(folder, schedules=alike, gain=gain, seeds=range(seeds), epochs=2)
        bold = isinstance(
            table(tables.accuracy_and_loss(study), "Accuracy")[0]["Final test accuracy, %"], Strong
        )
        row = table(tables.differences(study), "Final test accuracy less that of cosine")[0]
        assert row["Schedule"] == "log" and bold == isinstance(row["p, Holm"], Strong)


def test_a_study_of_sensitivity_tests_each_setting_against_the_default(tmp_path: Path) -> None:
    study = study_of(tmp_path, kind="sensitivity", epochs=2)
    log, cosine, none = study.cells
    family = Family(study, "", "final_accuracy")
    assert family.of(log, none) is None
    against = family.of(log, cosine)
    assert against is not None and against.tests == 2


def test_nothing_is_tested_before_all_runs_are_over(tmp_path: Path) -> None:
    write_study(tmp_path, epochs=3)
    for path in (tmp_path / "none-resnet-seed2").iterdir():
        path.unlink()
    study = load(tmp_path)
    row = table(tables.differences(study), "Final test accuracy less that of cosine")[0]
    assert (row["Pairs"], row["p"], row["p, Holm"]) == ("3", NONE, NONE)
    rows = table(tables.accuracy_and_loss(study), "Accuracy")
    assert not any(isinstance(row["Final test accuracy, %"], Strong) for row in rows)
    assert (
        "Nothing is tested before all planned runs are done."
        in tables.accuracy_and_loss(study).note
    )


def test_the_area_is_the_one_under_the_test_loss() -> None:
    # Trapezia of 5 steps each: 7.5 + 5 + 3.75 = 16.25, over 15 steps.
    assert area(a_run()) == pytest.approx(16.25 / 15)


def test_an_accuracy_is_reached_at_the_first_evaluation_that_shows_it() -> None:
    assert steps_to(a_run(), 60.0) == 10
    assert steps_to(a_run(), 80.1) is None


def test_a_restart_is_measured_from_the_loss_before_it() -> None:
    found = restarts(a_run())
    # Back with the window of the last five steps, which ends ten steps on.
    assert found == {10: Restart(before=1.0, height=2.0, recovery=1.0, after=2.0)}
    worse = a_run().train["loss"].copy()
    worse[15:] = 1.5
    restart = restarts(a_run(train={"loss": worse}))[10]
    assert restart is not None and restart.recovery is None


def test_a_loss_that_is_not_finite_has_no_spike() -> None:
    loss = a_run().train["loss"].copy()
    loss[12] = np.nan
    assert restarts(a_run(train={"loss": loss})) == {10: None}


def test_unrest_is_the_range_of_the_last_epochs_over_the_fall() -> None:
    loss = np.repeat([5.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.4, 1.0], 10)
    run = a_run(train={"loss": loss}, total_steps=80)
    assert unrest(run) == pytest.approx(100 * 0.4 / 4)


def test_unrest_leaves_out_the_epochs_of_restarts_and_what_is_no_whole_epoch() -> None:
    means = [5.0, *[1.0] * 8, 9.0, 1.2, 1.0]
    loss = np.concatenate([np.repeat(means, 10), np.full(9, 7.0)])
    run = a_run(train={"loss": loss}, total_steps=129, restarts=[40, 95])
    assert unrest(run) == pytest.approx(100 * 0.2 / 4)
    assert unrest(a_run(train={"loss": loss[:70]}, total_steps=70, restarts=[])) is None


def test_first_and_later_restarts_are_those_of_the_schedule() -> None:
    loss = np.repeat([1.0, 2.0, 1.0, 4.0, 1.0, 3.0], 10)
    run = a_run(train={"loss": loss}, total_steps=60, restarts=[10, 30, 50])
    after = MEASURES["restart_loss"].of
    assert [after(run, which=which) for which in ("first", "later", "all")] == [2.0, 3.5, 3.0]
    loss[12] = np.nan  # the first has no number, which makes none of the others the first
    values = [after(run, which=which) for which in ("first", "later", "all")]
    assert values == [None, 3.5, None]


def test_a_triangle_has_no_spikes_at_its_low_points(tmp_path: Path) -> None:
    triangle = la.triangular_schedule(init_value=0.01, peak_value=0.1, up_steps=2)
    both = {"triangle": triangle, "cosine": SCHEDULES["cosine"]}
    study = study_of(tmp_path, schedules=both, seeds=(0,), baseline=None)
    assert [run.restarts for run in study.runs] == [[], [80, 160]]
    rows = table(section.at_restarts(study), "At each restart")
    assert {row["Schedule"] for row in rows} == {"cosine"}


def test_a_run_that_went_on_is_held_against_the_others_at_the_same_restarts(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0, 1), epochs=12)
    path = tmp_path / "log-resnet-seed0"
    config = json.loads((path / "config.json").read_text())
    write_json(path / "config.json", {**config, "schedule_from_step": 85})
    write_json(path / "halted.json", {"step": 85, "reason": "its loss was 4.7"})
    study = load(tmp_path)
    assert [run.restarts for run in study.runs if run.labels["schedule"] == "log"] == [
        [80, 160]
    ] * 2
    rows = table(section.at_restarts(study), "At each restart")
    assert [row["Restart at epoch"] for row in rows[:2]] == ["4.0", "8.0"]
    told = table(settings.runs(study), "Runs out of the ordinary")
    assert [row["What happened"] for row in told] == [
        "halted after step 85: its loss was 4.7; went on with another schedule from step 85"
    ]
    record = json.loads((path / "config.json").read_text())["schedule"]
    write_json(path / "config.json", {**config, "schedule": {**record, "restart_steps": 6}})
    rows = table(section.at_restarts(load(tmp_path)), "At each restart")
    assert [row["Restart at epoch"] for row in rows[:2]] == ["4.0", "8.0 (1 of 2)"]


def test_restarts_are_counted_where_the_schedule_of_the_config_has_them(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=TWO, seeds=(0,), epochs=12)
    assert study.runs[0].restarts == [4 * 20, 8 * 20]
    rows = table(section.at_restarts(study), "At each restart")
    assert [row["Restart at epoch"] for row in rows] == ["4.0", "8.0"] * 2
    assert not re.search("[-\u2212]", rows[0]["Spike, nats"])


def test_a_number_that_is_not_finite_is_told_beside_the_mean_of_the_others(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, epochs=2)
    path = tmp_path / "log-resnet-seed1" / "metrics.jsonl"
    *lines, last = path.read_text().splitlines()
    path.write_text("\n".join([*lines, json.dumps({**json.loads(last), "loss": None})]) + "\n")
    row = table(tables.accuracy_and_loss(load(tmp_path)), "Accuracy")[0]
    assert row["n"] == "3 of 3"
    assert row["Final test loss, nats"].endswith("(n = 2)")
    assert "n =" not in row["Final test accuracy, %"]
    rows = table(tables.differences(load(tmp_path)), "Final test loss less")
    assert rows[0]["Pairs"] == "2"

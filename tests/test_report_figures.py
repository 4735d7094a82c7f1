"""What the report says and draws of a study's settings."""

import json
from pathlib import Path

import pytest
from synthetic_study import (
    CYCLE,
    TWO,
    change,
    study_of,
    table,
    write_run,
    write_study,
)

import log_anneal as la
from train import report
from train.report import curves, figures, sensitivity, settings, tables
from train.report.answers import answer
from train.report.page import Table
from train.report.records import load


def test_settings_are_told_where_they_differ(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=TWO, seeds=(0, 1), epochs=1)
    rows = table(settings.details(study), "What each schedule is")
    assert [row["Schedule"] for row in rows] == ["log", "cosine"]
    assert rows[1]["learning rate"].startswith("cyclical_cosine(peak_value=0.1, end_value=0.001")
    common = {r["Field"]: r["Value"] for r in table(settings.details(study), "Settings that all")}
    assert common["model.width"] == "4" and "learning rate" not in common
    shown = [block for block in settings.details(study) if isinstance(block, Table)]
    assert len(shown) == 2  # runs that differ in their seed alone do not differ


def test_what_a_search_chose_is_told(tmp_path: Path) -> None:
    tuned = [{"labels": {"schedule": "log"}, "trials": 12, "best": {"base": 20.0}, "value": 0.81}]
    study = study_of(tmp_path, schedules=TWO, seeds=(0,), epochs=1, tuned=tuned)
    row = table(settings.section(study), "Settings chosen by a search")[0]
    assert list(row.values()) == ["log", "base = 20", "12", "81.00"]


def test_device_versions_and_data_are_those_that_the_runs_recorded(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0, 1), epochs=1)
    path = tmp_path / "cosine-resnet-seed1" / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "device": "1 x H100, x86_64"}))
    facts = {r["Fact"]: r["Value"] for r in table(settings.section(load(tmp_path)), "The study")}
    assert facts["Device"] == "1 x cpu, x86_64; 1 x H100, x86_64"
    assert facts["Versions"] == "python 3.11, jax 0.10.2"
    assert (facts["Data set"], facts["Its SHA-256"]) == ("digits", "ab" * 32)


def test_combinations_that_were_not_run_appear_nowhere(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, networks=("as printed", "tuned"), seeds=(0, 1), epochs=2)
    record = json.loads((tmp_path / "study.json").read_text())
    runs = [r for r in record["runs"] if set(r["labels"].values()) != {"cosine", "tuned"}]
    axes = {**record["axes"], "schedule": ["log", "cosine", "never"]}
    change(tmp_path, runs=runs, axes=axes)
    report.write(tmp_path)
    study = load(tmp_path)
    assert [list(cell.labels.values()) for cell in study.cells] == [
        ["log", "as printed"], ["cosine", "as printed"], ["log", "tuned"],
    ]  # fmt: skip
    rows = table(tables.results(study), "Accuracy") + table(tables.cost(study), "Cost")
    assert not [row for row in rows if "never" in row.values()]
    assert not [r for r in rows if {"cosine", "tuned"} <= set(r.values())]
    assert len(table(settings.details(study), "What each schedule is")) == 2


@pytest.mark.parametrize(
    ("name", "networks", "picture", "says"),
    [
        ("experiment1", ("a",), "curves", "training loss after figure 2 of Naveen 2024"),
        ("experiment2", ("a", "b"), "train_loss", "Training loss (after figure 3 of Naveen 2024)"),
        ("smith", ("a", "b"), "test_accuracy", "Test accuracy (after the curves of Smith 2015)"),
    ],
)
def test_a_figure_names_the_one_of_the_paper_that_it_is_after(
    tmp_path: Path, name: str, networks: tuple[str, ...], picture: str, says: str
) -> None:
    study = study_of(tmp_path, schedules=TWO, networks=networks, seeds=(0,), epochs=1, name=name)
    drawn = curves.pictures(study)
    captions = {each.name: each.caption for each in drawn}
    (figure,) = drawn[0].draw.args
    assert figure.axes[-1].get_xlabel() == ("iteration" if name == "smith" else "epoch")
    assert says in captions[picture]
    assert sum("of Naveen" in text or "of Smith" in text for text in captions.values()) == 1


def test_sensitivity_has_a_curve_for_an_axis_and_a_map_for_a_pair(tmp_path: Path) -> None:
    axes = {"base": ["2", "20", "200"], "restart_value": ["0.05", "0.1"]}
    runs = []
    for base in axes["base"]:
        for value in axes["restart_value"]:
            cycle = {**CYCLE, "restart_value": float(value)}
            schedule = la.cyclical_log_schedule(**cycle, base=float(base))
            name = f"{base}-{value}"
            write_run(tmp_path / name, schedule, seed=0, epochs=2)
            labels = {"base": base, "restart_value": value}
            runs.append({"folder": name, "labels": labels, "seed": 0})
    write_study(tmp_path, schedules={}, networks=())
    middle = {"base": "20", "restart_value": "0.1"}
    change(tmp_path, axes=axes, runs=runs, kind="sensitivity", baseline=middle)
    study = load(tmp_path)
    pictures = {picture.name: picture.caption for picture in sensitivity.pictures(study)}
    assert list(pictures) == ["sensitivity", "map_base_restart_value"]
    assert "held at base 20, restart value 0.1" in pictures["sensitivity"]
    claim = {"id": "o.base", "check": "spread", "arguments": {"axis": "base"}}
    found = answer(study, claim)
    assert found.verdict == "measured"
    assert "restart value 0.1: from" in " ".join(found.lines)


def test_more_settings_than_can_be_told_apart_are_not_drawn(tmp_path: Path) -> None:
    many = {f"rate {n}": la.constant_schedule(n / 100) for n in range(1, 14)}
    study = study_of(tmp_path, schedules=many, seeds=(0,), epochs=1, baseline=None)
    assert figures.schedules(study) == curves.pictures(study) == []


def test_each_group_with_schedules_of_its_own_has_a_picture_of_them(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=TWO, networks=("a", "b"), seeds=(0,), epochs=1)
    assert [p.name for p in figures.schedules(study)] == ["schedules_1"]
    assert "of a; b at" in figures.schedules(study)[0].caption
    config = json.loads((tmp_path / "log-b-seed0" / "config.json").read_text())
    config["schedule"]["peak_value"] = 0.2
    (tmp_path / "log-b-seed0" / "config.json").write_text(json.dumps(config))
    names = [picture.name for picture in figures.schedules(load(tmp_path))]
    assert names == ["schedules_1", "schedules_2"]

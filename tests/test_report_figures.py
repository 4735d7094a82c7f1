"""What the report says and draws of a study's settings."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from small import ROOT
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
from tools import readme
from train import report
from train.report import provenance, settings, tables
from train.report.claims.answers import answer
from train.report.figures import canvas, curves, forest, papers, rates, sensitivity
from train.report.numbers import words
from train.report.numbers.reading import load
from train.report.pages.page import Table
from train.study import AS_PRINTED, SETTINGS


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
    row = table(settings.details(study), "Settings chosen by a search")[0]
    assert list(row.values()) == ["log", "12", "81.00", "base 20"]


@pytest.mark.parametrize(
    ("trials", "says"), [(12, "Each had the same number"), (9, "Each had a number of its own")]
)
def test_the_note_on_the_trials_is_of_their_numbers(tmp_path: Path, trials: int, says: str) -> None:
    tuned = [
        {"labels": {"schedule": name}, "trials": count, "best": {}, "value": 0.8}
        for name, count in (("log", 12), ("cosine", trials))
    ]
    study = study_of(tmp_path, schedules=TWO, seeds=(0,), epochs=1, tuned=tuned)
    blocks = [block for block in settings.details(study) if isinstance(block, Table)]
    assert blocks[0].note.startswith(says)


def test_device_versions_and_data_are_those_that_the_runs_recorded(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0, 1), epochs=1)
    path = tmp_path / "cosine-resnet-seed1" / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "device": "1 x H100, x86_64"}))
    facts = {r["Fact"]: r["Value"] for r in table(settings.section(load(tmp_path)), "The study")}
    assert facts["Device"] == "1 x cpu, x86_64; 1 x H100, x86_64"
    assert facts["Data set"] == "digits"
    last = {r["Fact"]: r["Value"] for r in table(provenance.section(load(tmp_path)), "Versions")}
    assert last["Versions"] == "python 3.11, jax 0.10.2"
    assert (last["Data set"], last["SHA-256 of the data"]) == ("digits", "ab" * 32)


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
    rows = table(tables.accuracy_and_loss(study), "Accuracy") + table(tables.cost(study), "Cost")
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
    assert figure.get_supxlabel() == ("iteration" if name == "smith" else "epoch")
    assert says in captions[picture]
    assert sum("of Naveen" in text or "of Smith" in text for text in captions.values()) == 1


def test_every_study_that_is_after_a_paper_is_one_of_configs() -> None:
    named = {*papers.SCHEDULES, *papers.X, *(name for name, _ in papers.CURVES), *readme.FIRST[1:]}
    assert {f"study_{name}.py" for name in named} <= {f.name for f in (ROOT / "configs").iterdir()}


def test_iterations_are_those_of_a_run_that_was_made(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0, 1), epochs=3, name="smith")
    for path in (tmp_path / "log-resnet-seed0").iterdir():
        path.unlink()
    (figure,) = curves.pictures(load(tmp_path))[0].draw.args
    for line in figure.axes[0].get_lines():
        assert max(line.get_xdata(), default=60) == 60


def test_of_two_seeds_the_runs_are_drawn_and_of_three_their_interval(tmp_path: Path) -> None:
    for seeds, lines, bands in (((0,), 1, 0), ((0, 1), 3, 0), ((0, 1, 2), 1, 1)):
        folder = tmp_path / str(len(seeds))
        study = study_of(folder, schedules={"log": TWO["log"]}, seeds=seeds, epochs=2)
        (figure,) = curves.pictures(study)[0].draw.args
        axes = figure.axes[0]
        assert (len(axes.get_lines()), len(axes.collections)) == (lines, bands)


def test_a_spike_does_not_flatten_the_curves(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0,), epochs=12)
    path = tmp_path / "log-resnet-seed0" / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    next(line for line in lines if line["kind"] == "eval")["loss"] = 1000.0
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (figure,) = curves.pictures(load(tmp_path))[0].draw.args
    assert figure.axes[1].get_ylim()[1] < 10


def test_a_figure_keeps_the_colour_of_each_line(tmp_path: Path) -> None:
    many = {f"rate {n}": la.constant_schedule(n / 100) for n in range(1, 9)}
    picture = rates.schedules(study_of(tmp_path, schedules=many, seeds=(0,), epochs=1))[0]
    with Image.open(io.BytesIO(picture.png)) as image:
        found = {pixel for _, pixel in image.convert("RGB").getcolors(1 << 20) or []}
    for place in range(8):
        assert tuple(bytes.fromhex(canvas.colour(place)[1:])) in found


def test_a_group_is_called_by_its_labels() -> None:
    of = {"head": "sigmoid", "base": "20", "settings": "as printed"}
    assert words.labels(of, list(of)) == "sigmoid / base 20"
    assert words.labels({**of, "settings": "tuned"}, list(of)) == "sigmoid / base 20 / tuned"
    assert words.labels(of, ["settings"]) == "as printed"
    assert words.labels(of, []) == ""
    assert words.AS_PRINTED == (SETTINGS, AS_PRINTED)


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
    assert "held at base 20 / restart value 0.1" in pictures["sensitivity"]
    claim = {"id": "o.base", "check": "spread", "arguments": {"axis": "base"}}
    found = answer(study, claim)
    assert found.verdict == "measured"
    assert "restart value 0.1: from" in " ".join(found.lines)
    assert "apart, with one seed each" in " ".join(found.lines)


def test_more_settings_than_can_be_told_apart_are_not_drawn(tmp_path: Path) -> None:
    many = {f"rate {n}": la.constant_schedule(n / 100) for n in range(1, 14)}
    study = study_of(tmp_path, schedules=many, seeds=(0,), epochs=1, baseline=None)
    assert curves.pictures(study) == []
    assert len(rates.schedules(study)) == 1  # each in a panel of its own
    many = {f"rate {n}": la.constant_schedule(n / 100) for n in range(1, 26)}
    study = study_of(tmp_path / "more", schedules=many, seeds=(0,), epochs=1, baseline=None)
    assert rates.schedules(study) == []


def test_each_group_with_schedules_of_its_own_has_a_picture_of_them(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=TWO, networks=("a", "b"), seeds=(0,), epochs=1)
    assert [p.name for p in rates.schedules(study)] == ["schedules_1"]
    assert "of a; b at" in rates.schedules(study)[0].caption
    config = json.loads((tmp_path / "log-b-seed0" / "config.json").read_text())
    config["schedule"]["peak_value"] = 0.2
    (tmp_path / "log-b-seed0" / "config.json").write_text(json.dumps(config))
    names = [picture.name for picture in rates.schedules(load(tmp_path))]
    assert names == ["schedules_1", "schedules_2"]


def test_the_differences_go_from_the_best_to_the_worst_around_a_line_at_0(tmp_path: Path) -> None:
    flat = {name: la.constant_schedule(0.02 + n / 1e6) for n, name in enumerate("abcd")}
    gain = {"b": -2.0, "c": 3.0}
    study = study_of(tmp_path, schedules=flat, gain=gain, baseline={"schedule": "a"}, epochs=2)
    (picture,) = forest.differences(study)
    (figure,) = picture.draw.args
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["c", "d", "b"]
    assert "0: as a" in [text.get_text() for text in axes.texts]
    kinds = {(line.get_marker(), line.get_color()) for line in axes.get_lines()}
    assert {(">", "#0072b2"), ("<", "#d55e00"), ("o", "0.45")} <= kinds  # not by colour alone
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["better", "worse", "not significant"]


def test_before_all_runs_are_over_no_difference_is_ranked(tmp_path: Path) -> None:
    write_study(tmp_path, gain={"none": 9.0}, epochs=2)
    for path in (tmp_path / "cosine-resnet-seed2").iterdir():
        path.unlink()
    (picture,) = forest.differences(load(tmp_path))
    (figure,) = picture.draw.args
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["log", "none"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["not significant"]

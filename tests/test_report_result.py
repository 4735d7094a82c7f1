"""The first sentences of a report: who is better, by how much, how surely."""

import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_study import TWO, change, cut, study_of, write_run, write_study

import log_anneal as la
from train import report
from train.report.headline import main_group, section, sentences
from train.report.numbers.comparisons import values_of
from train.report.numbers.reading import load
from train.report.numbers.statistics import detectable
from train.report.pages.page import Bullets, Paragraph

FLAT = {name: la.constant_schedule(0.02 + n / 1e6) for n, name in enumerate("abcd")}
NUMBER = r"\u2212?\d+\.\d\d"
INTERVAL = rf"95 % interval {NUMBER} to {NUMBER}"


def told(folder: Path, gain: Mapping[str, float], names: str = "abc", **how: Any) -> str:
    schedules = {name: FLAT[name] for name in names}
    how = {"seeds": range(10), "epochs": 2, "size": "laptop", "baseline": {"schedule": "a"}} | how
    first = sentences(study_of(folder, schedules=schedules, gain=gain, **how))[0]
    return f"{first.text} {first.power}".rstrip()


def test_the_result_is_the_first_thing_below_the_title(tmp_path: Path) -> None:
    write_study(tmp_path, seeds=range(4), epochs=2, size="laptop")
    cut(tmp_path / "none-resnet-seed1", 20, "its loss was nan")
    study = load(tmp_path)
    report.write(tmp_path)
    first = (tmp_path / "report.md").read_text().split("\n\n")[1]
    assert first == f"**{sentences(study)[0].text}**"
    assert (
        json.loads((tmp_path / "report.json").read_text())["headline"] == sentences(study)[0].text
    )


def test_a_clear_winner_is_told_with_its_lead_and_what_could_have_been_seen(tmp_path: Path) -> None:
    text = told(tmp_path, {"a": -2.0, "b": 1.0, "c": 0.0})
    assert re.fullmatch(
        rf"With 10 seeds, b ends {NUMBER} points of test accuracy above c \({INTERVAL}, "
        r"Holm-corrected p < 0\.001\)\. The other schedule ends still lower\. b is "
        rf"{NUMBER} points above the baseline, a \({INTERVAL}, Holm-corrected p < 0\.001\)\. "
        r"Between b and c, the two best, the study would have seen a difference of "
        rf"{NUMBER} points with 80 % probability\. That is before Holm's correction for 3 pairs\. "
        rf"With the correction it would have seen {NUMBER} points, or somewhat less\. "
        rf"Against the baseline, a, it would have seen {NUMBER} points before the correction, "
        rf"and {NUMBER} points or somewhat less with it\.",
        text,
    )


def test_what_could_have_been_seen_is_that_of_the_pair_that_is_named(tmp_path: Path) -> None:
    how: dict[str, Any] = {"size": "laptop", "baseline": {"schedule": "a"}, "epochs": 2}
    study = study_of(tmp_path, schedules=FLAT, gain={"b": 1.0, "a": -2.0}, seeds=range(5), **how)
    values = {cell.labels["schedule"]: values_of(cell, "final_accuracy") for cell in study.cells}
    said = sentences(study)[0]
    second = said.text.partition(" above ")[2][0]  # c or d, which are equally good
    numbers = []
    for other in (second, "a"):
        deviation = float(np.std([values["b"][n] - values[other][n] for n in range(5)], ddof=1))
        numbers += [detectable(deviation, 5), detectable(deviation, 5, 0.05 / 6)]
    assert re.findall(r"[\d.]+ points", said.power) == [
        f"{number:.2f} points" for number in numbers
    ]


def test_of_two_alone_nothing_is_corrected(tmp_path: Path) -> None:
    text = told(tmp_path, {"b": 1.0}, "ab")
    assert re.fullmatch(
        rf"With 10 seeds, b ends {NUMBER} points of test accuracy above a \({INTERVAL}, "
        rf"p < 0\.001\)\. Between b and a the study would have seen a difference of {NUMBER} "
        r"points with 80 % probability\.",
        text,
    )


def test_no_difference_is_a_result(tmp_path: Path) -> None:
    text = told(tmp_path, {}, "ab")
    assert re.match(
        r"With 10 seeds, (a and b|b and a) end at the same test accuracy: no difference larger "
        r"than 0\.5 points\.",
        text,
    )
    assert "points with 80 % probability." in text


def test_a_lead_that_may_be_chance_is_no_victory(tmp_path: Path) -> None:
    text = told(tmp_path, {"b": 0.3, "c": -3.0}, seeds=range(3))
    assert "b has the highest mean test accuracy, " in text
    assert "but the study cannot tell it from a. The other schedule ends lower" in text
    assert "points with 80 % probability" in text


def test_a_sure_lead_below_the_margin_is_told_to_be_small(tmp_path: Path) -> None:
    text = told(tmp_path, {"b": 0.25}, "ab")
    assert "b ends 0." in text and ", which is less than 0.5 points." in text


def test_one_seed_tells_nothing(tmp_path: Path) -> None:
    text = told(tmp_path, {"b": 5.0}, seeds=(0,))
    assert text.startswith("With 1 seed, b has the highest test accuracy (")
    assert "cannot tell this from chance" in text and "80 %" not in text


def test_one_setting_has_nothing_beside_it(tmp_path: Path) -> None:
    assert re.fullmatch(
        rf"With 10 seeds, a / resnet ends at {NUMBER} ± {NUMBER} % test accuracy, with nothing "
        r"beside it\.",
        told(tmp_path, {}, "a"),
    )


@pytest.mark.parametrize("baseline", [None, {"schedule": "never"}])
def test_without_a_baseline_there_is_a_result_too(tmp_path: Path, baseline: Any) -> None:
    assert told(tmp_path, {"b": 1.0}, "ab", baseline=baseline).startswith("With 10 seeds, b ends ")


def test_a_setting_with_a_halt_is_named_and_not_ranked(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=FLAT, gain={"b": 9.0}, seeds=range(4), epochs=2)
    cut(tmp_path / "b-resnet-seed1", 20, "its loss was nan")
    text = sentences(load(tmp_path))[0].text
    assert not re.search(r"\bb (ends|has)", text)
    assert text.endswith("Not ranked, since a seed has no number: b (3 of 4).")


def test_smoke_size_is_no_evidence_and_says_it_first(tmp_path: Path) -> None:
    text = told(tmp_path, {"b": 5.0}, size="smoke", seeds=(0, 1))
    assert text.startswith("No evidence, as the size is smoke: with 2 seeds, b ")


def test_an_unfinished_study_has_numbers_and_no_winner(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=FLAT, gain={"b": 9.0}, seeds=range(4), epochs=2)
    for path in (tmp_path / "d-resnet-seed3").iterdir():
        path.unlink()
    cut(tmp_path / "c-resnet-seed0", 20)
    (first,) = sentences(load(tmp_path))
    assert re.fullmatch(
        rf"14 of 16 runs are done\. The test accuracy so far: a {NUMBER} ± {NUMBER} % "
        r"\(4 of 4 seeds\); b .*; c .* \(3 of 4 seeds\); d .* \(3 of 4 seeds\)\. There is no "
        r"verdict before all planned runs are done\.",
        first.text,
    )
    report.write(tmp_path)
    numbers = json.loads((tmp_path / "report.json").read_text())
    assert (numbers["runs_done"], numbers["runs_planned"]) == (14, 16)
    assert {cell["less_best"] for cell in numbers["cells"]} == {None}


def test_a_study_that_has_not_begun_has_a_result_too(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0,), epochs=1)
    for path in tmp_path.glob("*/*"):
        path.unlink()
    assert sentences(load(tmp_path))[0].text == (
        "0 of 2 runs are done. There is no number yet. There is no verdict before all planned "
        "runs are done."
    )


def test_the_tuned_settings_come_first_and_the_other_groups_in_a_list(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, networks=("as printed", "tuned"), epochs=2)
    record = json.loads((tmp_path / "study.json").read_text())
    record["axes"]["settings"] = record["axes"].pop("network")
    for run in record["runs"]:
        run["labels"]["settings"] = run["labels"].pop("network")
    change(tmp_path, **record)
    study = load(tmp_path)
    assert main_group(study) == "tuned"
    first, power, others = section(study)
    assert isinstance(first, Paragraph) and isinstance(others, Bullets)
    assert first.text.startswith("With 3 seeds (tuned), log ends ")
    assert isinstance(power, Paragraph) and power.text.startswith("Between log and cosine the ")
    assert re.search(r" Detectable between the two: \d+\.\d\d points\.$", others.items[0])
    assert [item.partition(": ")[0] for item in others.items] == ["as printed"]


def sensitivity(folder: Path, gain: Mapping[str, float]) -> None:
    axes = {"base": ["2", "20"], "multiplier": ["1", "1.5"]}
    runs = []
    for base, multiplier, seed in itertools.product(*axes.values(), range(6)):
        name = f"{base}-{multiplier}-{seed}"
        schedule = la.constant_schedule(0.02 + float(base) / 1e6 + float(multiplier) / 1e5)
        more = gain.get(base, 0.0) + gain.get(multiplier, 0.0)
        write_run(folder / name, schedule, seed=seed, gain=more, epochs=2)
        labels = {"base": base, "multiplier": multiplier}
        runs.append({"folder": name, "labels": labels, "seed": seed})
    write_study(folder, schedules={}, networks=(), size="laptop")
    middle = {"base": "20", "multiplier": "1.5"}
    change(folder, axes=axes, runs=runs, kind="sensitivity", baseline=middle)


def test_sensitivity_tells_the_best_value_along_each_axis(tmp_path: Path) -> None:
    sensitivity(tmp_path, {"2": 1.0, "1": -1.0})
    first, power, others = section(load(tmp_path))
    assert isinstance(first, Paragraph) and isinstance(others, Bullets)
    assert first.text.startswith("With 6 seeds, base 2 ends ")
    assert "of test accuracy above the default (base 20 / multiplier 1.5) (95 %" in first.text
    assert isinstance(power, Paragraph)
    assert re.fullmatch(
        r"Between the best value of base or multiplier and the default \(or the next value\) the "
        rf"study would have seen (a difference|differences) of {NUMBER}( to {NUMBER})? points with "
        r"80 % probability\. That is before Holm's correction for 3 pairs\. With the correction it "
        rf"would have seen {NUMBER}( to {NUMBER})? points, or somewhat less\.",
        power.text,
    )
    base, multiplier = others.items
    assert base.startswith("Base: 2 is best, ") and "above the default, 20 (95 %" in base
    assert multiplier.startswith("Multiplier: the default, 1.5, is best, ")
    assert "above the next value, 1 (95 %" in multiplier and "chance" not in multiplier


def test_sensitivity_without_a_lead_says_that_there_is_none(tmp_path: Path) -> None:
    sensitivity(tmp_path, {})
    first, _, others = section(load(tmp_path))
    assert isinstance(first, Paragraph) and isinstance(others, Bullets)
    assert first.text == (
        "With 6 seeds, no other value of base or multiplier ends significantly above the default "
        "(base 20 / multiplier 1.5) in test accuracy."
    )
    assert all("That may be chance." in item for item in others.items)


def test_each_setting_knows_its_distance_from_the_best(tmp_path: Path) -> None:
    told(tmp_path, {"a": -2.0, "b": 1.0})
    report.write(tmp_path)
    cells = json.loads((tmp_path / "report.json").read_text())["cells"]
    found = {cell["name"]: cell["less_best"] for cell in cells}
    assert found["b"] is None
    assert found["a"]["low"] < found["a"]["mean"] < found["a"]["high"] < 0
    assert found["a"]["mean"] < -2 and found["a"]["p"] < 0.05

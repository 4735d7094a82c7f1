"""What counts as no difference, and what a claim comes to by it."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from synthetic_study import SCHEDULES, TWO, cut, study_of, table, write_study

import log_anneal as la
from train.errors import UserError
from train.report.claims import answers, findings
from train.report.claims.answers import answer
from train.report.numbers.margins import MARGINS, margin_of
from train.report.numbers.measures import MEASURES
from train.report.numbers.reading import load
from train.report.numbers.records import Results
from train.report.numbers.task_record import CLASSIFICATION

ALIKE = {"log": la.constant_schedule(0.0200001), "cosine": SCHEDULES["none"]}
HIGHER = {
    "of": {"schedule": "log"},
    "than": {"schedule": "cosine"},
    "measure": "final_accuracy",
    "expect": "higher",
}


def check(study: Results, name: str = "compare", **arguments: Any) -> tuple[str, str]:
    found = answer(study, {"id": "c", "check": name, "arguments": arguments})
    return found.verdict, " ".join(found.lines)


def test_every_measure_has_a_margin_and_a_reason() -> None:
    assert MARGINS.keys() == MEASURES.keys()
    for margin in MARGINS.values():
        assert margin.value > 0 and margin.why.endswith(".")


def test_a_margin_may_be_a_share() -> None:
    assert MARGINS["final_loss"].absolute(steps=500, other=3.0) == 0.02
    assert MARGINS["steps_to"].absolute(steps=500, other=3.0) == 10.0
    assert MARGINS["seconds"].absolute(steps=500, other=60.0) == 3.0
    assert MARGINS["seconds"].absolute(steps=500, other=None) is None
    texts = [MARGINS[name].text(MEASURES[name]) for name in ("final_accuracy", "steps_to", "area")]
    assert texts == ["0.5 points", "2 % of the steps", "0.02 nats"]


def test_no_difference_larger_than_the_margin_is_an_answer(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=ALIKE, gain={}, seeds=range(5), epochs=3)
    found, said = check(study, **HIGHER)
    assert found == "no difference"
    assert said.endswith("; no difference larger than 0.5 points")
    found, said = check(study, **HIGHER, margin=0.01)
    assert found == "cannot tell"
    assert "5 pairs; detectable: " in said and "no difference" not in said


def test_a_small_difference_that_is_sure_is_told_to_be_small(tmp_path: Path) -> None:
    gain = {"log": 0.3}
    study = study_of(tmp_path, schedules=ALIKE, gain=gain, seeds=range(10), epochs=3)
    found, said = check(study, **HIGHER)
    assert found == "agrees"
    assert said.endswith("; though it is not larger than 0.5 points")
    same = {name: value for name, value in HIGHER.items() if name != "expect"}
    found, said = check(study, "equivalent", **same)
    assert found == "agrees"
    assert "(the same: within 0.5 points either way)" in said


def test_where_equality_is_not_confirmed_the_margin_that_would_be_is_told(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=ALIKE, gain={}, epochs=3)
    same = {name: value for name, value in HIGHER.items() if name != "expect"}
    found, said = check(study, "equivalent", **same, margin=0.01)
    assert found == "cannot tell"
    assert "; it could be confirmed within 0." in said


@pytest.mark.parametrize("margin", [0, -0.5])
def test_a_margin_that_is_not_above_0_is_refused(tmp_path: Path, margin: float) -> None:
    study = study_of(tmp_path, schedules=TWO, seeds=(0,), epochs=1)
    with pytest.raises(UserError, match="`margin` of a claim must be above 0"):
        check(study, **HIGHER, margin=margin)


def test_the_margins_that_were_taken_stand_in_the_report_with_their_reasons(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=TWO, epochs=2)
    own = {**HIGHER, "margin": 1.5, "because": "A line of the figure is as wide."}
    loss = {**HIGHER, "measure": "final_loss"}
    given = [
        {"id": n, "source": "", "text": "", "check": "compare", "arguments": arguments}
        for n, arguments in enumerate((HIGHER, own, loss))
    ]
    found = [answer(study, claim) for claim in given]
    rows = table(answers.section(study, found), "How small")
    assert [row["Margin"] for row in rows] == ["0.5 points", "1.5 points", "0.02 nats"]
    assert [row["Why"] for row in rows] == [
        MARGINS["final_accuracy"].why, "A line of the figure is as wide.", MARGINS["area"].why
    ]  # fmt: skip
    assert margin_of(CLASSIFICATION, "area", 1.0, "").why == "The claim has this margin of its own."


def test_a_claim_whose_runs_are_still_to_be_made_waits(tmp_path: Path) -> None:
    write_study(tmp_path, gain={"log": 30.0}, epochs=3, seeds=range(4))
    cut(tmp_path / "log-resnet-seed1", 20)
    found, said = check(load(tmp_path), **HIGHER)
    assert found == "not yet"
    assert "difference +" in said and "3 of 4 seeds have both numbers" in said
    others = {**HIGHER, "of": {"schedule": "none"}}
    assert check(load(tmp_path), **others)[0] != "not yet"
    assert check(load(tmp_path), "spread", axis="schedule")[0] == "not yet"
    cut(tmp_path / "log-resnet-seed2", 20, "its loss was nan")  # that one will never come
    assert check(load(tmp_path), **HIGHER)[0] == "cannot tell"


@pytest.mark.parametrize("seen", list(itertools.product(("A", "D", "N", "C", "Y"), repeat=2)))
def test_a_claim_of_two_settings_holds_for_both_or_not(seen: tuple[str, str]) -> None:
    names = {
        "A": findings.AGREES,
        "D": findings.DISAGREES,
        "N": findings.NO_DIFFERENCE,
        "C": findings.CANNOT_TELL,
        "Y": findings.NOT_YET,
    }
    counts = {names[each]: seen.count(each) for each in seen}
    expected = (
        "Y" if "Y" in seen
        else "N" if set(seen) == {"N"}
        else "D" if {"D", "N"} & set(seen)
        else "C" if "C" in seen
        else "A"
    )  # fmt: skip
    assert answers.verdict_of(counts) == names[expected]

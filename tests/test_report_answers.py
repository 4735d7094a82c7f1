"""What the report answers to a claim."""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from scipy import stats
from synthetic_study import SCHEDULES, TWO, cut, study_of, write_study

import log_anneal as la
from train.errors import UserError
from train.report.claims import findings
from train.report.claims.answers import answer
from train.report.numbers import comparisons
from train.report.numbers.comparisons import estimate_of, values_of
from train.report.numbers.measures import MEASURES
from train.report.numbers.reading import load
from train.report.numbers.records import Outcome, Results
from train.report.numbers.statistics import paired

LOG_COSINE = {"of": {"schedule": "log"}, "than": {"schedule": "cosine"}}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two networks, and a run that halted."""
    folder = write_study(tmp_path_factory.mktemp("study"), networks=("a", "b"), epochs=8)
    cut(folder / "none-b-seed0", 50, "its loss was 4.7")
    return load(folder)


def check(study: Results, name: str, **arguments: Any) -> tuple[str, str]:
    claim = {"id": "c", "check": name, "arguments": arguments}
    found = answer(study, claim)
    return found.verdict, " ".join(found.lines)


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [({"log": 4.0}, "agrees"), ({"log": -4.0}, "disagrees"), ({}, "no difference")],
    ids=["better", "worse", "alike"],
)
def test_an_answer_turns_with_the_numbers(
    tmp_path: Path, gain: Mapping[str, float], verdict: str
) -> None:
    alike = {"log": la.constant_schedule(0.0200001), "cosine": SCHEDULES["none"]}
    study = study_of(tmp_path, schedules=alike, gain=gain, epochs=3)
    found, said = check(study, "compare", measure="final_accuracy", expect="higher", **LOG_COSINE)
    assert found == verdict
    assert "3 pairs; detectable: " in said
    lower = check(study, "compare", measure="final_accuracy", expect="lower", **LOG_COSINE)
    assert lower[0] == {"agrees": "disagrees", "disagrees": "agrees"}.get(verdict, verdict)


def test_the_same_is_an_interval_within_the_margin(tmp_path: Path) -> None:
    alike = {"log": la.constant_schedule(0.0200001), "cosine": SCHEDULES["none"]}
    study = study_of(tmp_path, schedules=alike, gain={"log": 4.0}, epochs=3)
    by = paired(*(values_of(cell, "final_accuracy") for cell in study.cells))
    assert by.mean is not None and by.half is not None and by.error is not None
    end = stats.t.ppf(0.95, 2) * by.error  # of the 90 % interval, by which it is confirmed
    margins = (by.mean + 1.01 * end, by.mean + 0.99 * end, by.low or 0, 0.99 * (by.low or 0))
    found = [
        check(study, "equivalent", measure="final_accuracy", margin=margin, **LOG_COSINE)[0]
        for margin in margins
    ]
    assert found == ["agrees", "cannot tell", "cannot tell", "disagrees"]


def test_with_one_seed_nothing_can_be_told(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=TWO, seeds=(0,), epochs=2)
    found, said = check(study, "compare", measure="area", expect="lower", **LOG_COSINE)
    assert found == "cannot tell"
    assert "(n = 1)" in said and "(1 pair)" in said


@pytest.mark.parametrize("how", ["halted", "unfinished", "missing", "not finite"])
def test_the_seeds_that_are_left_do_not_speak_for_the_others(tmp_path: Path, how: str) -> None:
    write_study(tmp_path, schedules=TWO, gain={"log": 30.0}, epochs=3)
    higher = {"measure": "final_accuracy", "expect": "higher", **LOG_COSINE}
    assert check(load(tmp_path), "compare", **higher)[0] == "agrees"
    run = tmp_path / "cosine-resnet-seed1"
    if how == "missing":
        for path in run.iterdir():
            path.unlink()
    elif how == "not finite":
        path = run / "metrics.jsonl"
        *lines, last = path.read_text().splitlines()
        path.write_text("\n".join([*lines, json.dumps({**json.loads(last), "accuracy": None})]))
    else:
        cut(run, 40, "its loss was nan" if how == "halted" else None)
    for name, more in (("compare", {"expect": "higher"}), ("equivalent", {"margin": 99.0})):
        found, said = check(load(tmp_path), name, measure="final_accuracy", **more, **LOG_COSINE)
        assert found == ("not yet" if how in ("unfinished", "missing") else "cannot tell")
        assert re.search(r"2 pairs; detectable: [\d.]+\); 2 of 3 seeds have both numbers$", said)


def test_a_run_that_never_got_there_took_longer_than_one_that_did(tmp_path: Path) -> None:
    fixed = {"log": SCHEDULES["none"], "cosine": SCHEDULES["none"]}
    write_study(tmp_path, schedules=fixed, gain={"cosine": -50.0}, epochs=20)
    sooner = {"measure": "steps_to", "fraction": 0.98, "expect": "lower", **LOG_COSINE}
    found, said = check(load(tmp_path), "compare", **sooner)
    assert "cosine = 400 ± 0" in said
    assert said.endswith("); 3 runs never got there, counted with all its steps")
    assert found == "agrees"
    neither = {"measure": "steps_to", "accuracy": 99.0, "expect": "lower", **LOG_COSINE}
    found, said = check(load(tmp_path), "compare", **neither)
    assert found == "cannot tell"
    assert said.endswith("no pair; 0 of 3 seeds have both numbers")


def test_a_loss_that_some_seeds_do_not_show_cannot_be_told_to_settle(tmp_path: Path) -> None:
    write_study(tmp_path, epochs=20)
    for reason, verdict in ((None, "not yet"), ("its loss was nan", "cannot tell")):
        if reason:
            write_study(tmp_path / reason, epochs=20)
        folder = tmp_path / (reason or "")
        cut(folder / "none-resnet-seed0", 50, reason)
        found, said = check(load(folder), "settles", of={"schedule": "none"})
        assert found == verdict
        assert said.endswith("; 2 of 3 seeds have the number")


def test_how_much_a_setting_matters_is_told_beside_the_noise(tmp_path: Path) -> None:
    study = study_of(tmp_path, epochs=3)
    halves = [estimate_of(cell, "final_accuracy").half or 0 for cell in study.cells]
    found, said = check(study, "spread", axis="schedule")
    assert found == "measured"
    assert said.endswith(f" apart; half intervals of {sum(halves) / 3:.2f} on average")


def test_a_fault_of_a_measure_is_not_blamed_on_the_claim(
    study: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(run: Outcome) -> float:
        raise TypeError("its own")

    broken = {**MEASURES, "area": dataclasses.replace(MEASURES["area"], of=faulty)}
    monkeypatch.setattr(findings, "measures_of", lambda task: broken)
    monkeypatch.setattr(comparisons, "measures_of", lambda task: broken)
    with pytest.raises(TypeError, match="its own"):
        check(study, "compare", measure="area", expect="lower", **LOG_COSINE)


def test_a_claim_of_several_networks_agrees_where_it_does_for_each(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=TWO, networks=("a", "b"), epochs=6)
    arguments = {"measure": "train_loss", "start": 0.5, "expect": "lower", **LOG_COSINE}
    found, said = check(study, "compare", **arguments)
    assert found == "agrees"
    assert said.startswith("Of 2: agrees in 2. Training loss, from 50 % to 100 % of the run, nats:")


def test_a_claim_of_runs_that_are_not_there_cannot_be_told(tmp_path: Path) -> None:
    study = study_of(tmp_path, schedules=TWO, seeds=(0,), epochs=1)
    other = {"of": {"schedule": "step"}, "than": {"schedule": "log"}}
    found = check(study, "compare", measure="area", expect="lower", **other)
    assert found == ("cannot tell", "The runs that it is about are not in this study.")


def test_a_halt_is_told(study: Results, tmp_path: Path) -> None:
    assert check(study, "never_halted")[0] == "disagrees"
    assert check(study, "never_halted", of={"schedule": "log"})[0] == "agrees"
    write_study(tmp_path, schedules=TWO, seeds=(0,), epochs=2)
    cut(tmp_path / "log-resnet-seed0", 30)
    assert check(load(tmp_path), "never_halted")[0] == "not yet"


def test_a_loss_settles_or_does_not(tmp_path: Path) -> None:
    study = study_of(tmp_path, epochs=20)
    settled, waving = {"schedule": "none"}, {"schedule": "cosine"}
    assert check(study, "settles", of=settled)[0] == "agrees"
    assert check(study, "settles", of=settled, expect=False)[0] == "disagrees"
    assert check(study, "settles", of=waving)[0] == "disagrees"
    assert check(study, "settles", of=waving, expect=False)[0] == "agrees"
    found, said = check(study, "settles")
    assert found == "disagrees"  # one is enough
    assert said.startswith("Of 3: agrees in 2, disagrees in 1.")  # log but for its restarts


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_can_be_asked_for(study: Results, name: str) -> None:
    given = {"fraction": 0.5} if name == "steps_to" else {}
    found, said = check(study, "compare", measure=name, expect="lower", **given, **LOG_COSINE)
    assert found in ("agrees", "disagrees", "no difference", "cannot tell")
    assert MEASURES[name].title in said


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("guess", {}, "`check` of a claim must be one of compare, equivalent"),
        ("compare", {"measure": "luck", "expect": "lower"}, "`measure` of a claim must be one of"),
        ("compare", {"measure": "area", "expect": "less"}, "must be higher or lower, got less"),
        ("compare", {"measure": "area"}, "must be those of the check compare, got .*'expect'"),
        (
            "compare",
            {"measure": "area", "expect": "lower", "stop": 1.0},
            "must be those of the measure area, got .*'stop'",
        ),
        ("spread", {"axis": "luck"}, "`axis` of a claim must be one of schedule, network"),
    ],
)
def test_a_claim_that_cannot_be_checked_is_refused(
    study: Results, name: str, arguments: dict[str, Any], message: str
) -> None:
    labels = LOG_COSINE if name == "compare" else {}
    with pytest.raises(UserError, match=message):
        check(study, name, **arguments, **labels)

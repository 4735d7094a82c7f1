"""Which restarts a report shows: those at which the rate jumps up."""

import json
from pathlib import Path

import pytest
from synthetic_study import SCHEDULES, study_of, table, write_json, write_study

import log_anneal as la
from train import report
from train.report import endings, restarts, texts
from train.report.numbers.reading import load
from train.report.pages.page import Paragraph

WARMUP = la.polynomial_schedule(init_value=0.001, end_value=0.1, decay_steps=3)
CHAINS = {
    "constant": la.chain([WARMUP, la.constant_schedule(0.1)]),
    "REX": la.chain([WARMUP, la.rex_schedule(init_value=0.1, decay_steps=9)]),
    "cosine": SCHEDULES["cosine"],
}


def rounded(folder: Path, digits: int) -> None:
    """Rounds the recorded rates, as a kept study does."""
    for path in folder.glob("*/metrics.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            if "learning_rate" in line:
                line["learning_rate"] = float(f"{line['learning_rate']:.{digits}g}")
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.mark.parametrize(("steps", "digits"), [(20, 15), (20, 3), (600, 3)])
def test_the_end_of_a_warm_up_is_no_restart(tmp_path: Path, steps: int, digits: int) -> None:
    write_study(tmp_path, schedules=CHAINS, seeds=(0,), steps_per_epoch=steps)
    rounded(tmp_path, digits)
    study = load(tmp_path)
    joins = la.to_dict(CHAINS["REX"])
    assert la.from_dict(joins).stretch(steps).restarts(12 * steps) == [3 * steps]
    assert [run.restarts for run in study.runs] == [[], [], [4 * steps, 8 * steps]]
    rows = table(restarts.at_restarts(study), "At each restart")
    assert {row["Schedule"] for row in rows} == {"cosine"}


def test_a_part_of_a_chain_that_begins_with_a_jump_is_a_restart(tmp_path: Path) -> None:
    fall = la.rex_schedule(init_value=0.1, decay_steps=4)
    study = study_of(tmp_path, schedules={"two": la.chain([fall, fall])}, seeds=(0,))
    assert [run.restarts for run in study.runs] == [[80]]


def unknown(folder: Path) -> Path:
    """A study in which the class of a schedule is not there, as in a report of another day."""
    write_study(
        folder, schedules={"mine": SCHEDULES["cosine"], "log": SCHEDULES["log"]}, seeds=(0,)
    )
    path = folder / "mine-resnet-seed0" / "config.json"
    record = json.loads(path.read_text())
    own = {"schedule": "flat_top", "version": 1, "peak_value": 0.1}
    write_json(path, {**record, "schedule": own})
    return folder


def test_the_restarts_of_a_class_that_is_not_there_are_read_from_the_rates(tmp_path: Path) -> None:
    study = load(unknown(tmp_path))
    assert [(run.restarts, run.has_known_schedule) for run in study.runs] == [
        ([80, 160], False), ([80, 160], True),
    ]  # fmt: skip
    blocks = restarts.at_restarts(study)
    assert {row["Schedule"] for row in table(blocks, "At each restart")} == {"mine", "log"}
    assert isinstance(blocks[-1], Paragraph)
    assert "classes that this command does not know: mine. So their restarts are" in blocks[-1].text
    report.write(tmp_path)
    assert "flat_top(peak_value=0.1)" in (tmp_path / "report.md").read_text()


def test_a_rise_of_such_a_class_is_no_restart(tmp_path: Path) -> None:
    write_study(tmp_path, schedules={"mine": CHAINS["REX"]}, seeds=(0,), baseline=None)
    path = tmp_path / "mine-resnet-seed0" / "config.json"
    write_json(path, {**json.loads(path.read_text()), "schedule": {"schedule": "flat_top"}})
    study = load(tmp_path)
    assert [run.restarts for run in study.runs] == [[]]
    first, said = restarts.at_restarts(study)
    assert isinstance(first, Paragraph) and first.text.startswith("In no run that ended")
    assert isinstance(said, Paragraph) and "mine" in said.text


def cosine(interval):
    return la.cyclical_cosine_schedule(
        peak_value=0.1,
        end_value=0.0,
        decay_steps=interval,
        restart_steps=interval,
        restart_value=0.1,
    )


def test_where_runs_end_within_a_cycle_is_said_where_it_differs(tmp_path):
    """Of 12 epochs, cycles of 4 end with the run, and cycles of 5 leave it at a high rate."""
    plain = {"cosine": cosine(4), "constant": la.constant_schedule(0.1)}
    even = write_study(tmp_path / "even", schedules=plain, seeds=(0,))
    assert not endings.paragraph(load(even))
    cut = write_study(tmp_path / "cut", schedules={**plain, "cut off": cosine(5)}, seeds=(0,))
    (said,) = endings.paragraph(load(cut))
    assert "restarts end at a low rate. Under cut off the last rate is 67 % of the" in said.text
    assert "under the others at most 0.04 %." in said.text
    assert said.text in (texts(cut)["report.md"].decode())

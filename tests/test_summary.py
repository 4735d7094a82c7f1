"""The end of a run: when it is done, and what it needs to be summed up."""

import json

import pytest
import small

from train.errors import UserError
from train.run.job import prepare
from train.run.summary import check_records, is_done, summarise
from train.tasks.classification import Classification

IMAGES = Classification()


def test_a_run_is_done_where_its_summary_is(tmp_path, capsys):
    assert not is_done(tmp_path, 44, 44, IMAGES)
    (tmp_path / "summary.json").write_text(SUMMARY)
    records(tmp_path, 44)
    assert is_done(tmp_path, 44, 44, IMAGES)
    assert "50.00 % test accuracy" in capsys.readouterr().out


SUMMARY = json.dumps({"test_accuracy": 0.5, "steps": 44})


def records(folder, count):
    """The training lines of so many steps, and half of another."""
    text = "".join(f"{json.dumps({'kind': 'train', 'step': 1 + n})}\n" for n in range(count))
    (folder / "metrics.jsonl").write_text(text + '{"kind": "train", "st')


@pytest.mark.parametrize(
    ("content", "step", "count"),
    [(SUMMARY, 22, 44), ("{ torn", 44, 44), ("{}", 44, 44), (SUMMARY, 44, 43)],
)
def test_a_summary_that_is_stale_or_damaged_is_set_aside(tmp_path, content, step, count):
    (tmp_path / "summary.json").write_text(content)
    records(tmp_path, count)
    assert not is_done(tmp_path, step, 44, IMAGES)
    assert not (tmp_path / "summary.json").exists()
    assert (tmp_path / "set_aside/summary.json").read_text() == content


def test_records_that_lack_lines_are_refused_before_the_next_step(tmp_path):
    check_records(tmp_path, 0)
    with pytest.raises(UserError, match="each of the 22 steps that are made, got 0 in"):
        check_records(tmp_path, 22)
    records(tmp_path, 30)
    check_records(tmp_path, 30)
    check_records(tmp_path, 22)
    with pytest.raises(UserError, match="each of the 44 steps .*, got 30 in .* Put back a copy"):
        check_records(tmp_path, 44)


def lines(job):
    train = [
        {"kind": "train", "step": step, "loss": 1 / step, "accuracy": 0.5, "seconds": step / 10}
        for step in range(1, job.total_steps + 1)
    ]
    tests = [
        {"kind": "eval", "split": "test", "step": step, "loss": 2.0, "accuracy": step / 100}
        for step in (22, 44)
    ]
    return [*train[:22], {**tests[0], "seconds": 2.3}, *train[22:], {**tests[1], "seconds": 5.0}]


def test_the_summary_is_of_the_last_step_and_of_the_best():
    job = prepare(small.config())
    summary = summarise(job, lines(job), best_step=22)
    assert (summary["test_accuracy"], summary["best_test_accuracy"]) == (0.44, 0.22)
    assert summary["train_loss"] == pytest.approx(sum(1 / step for step in range(23, 45)) / 22)
    assert summary["seconds"] == 5.0
    assert summary["steps"] == 44


@pytest.mark.parametrize("missing", [0, -1])
def test_records_that_are_not_whole_are_refused(missing):
    job = prepare(small.config())
    records = lines(job)
    del records[missing]
    with pytest.raises(UserError, match="must have a line for each of 44 steps"):
        summarise(job, records, best_step=None)

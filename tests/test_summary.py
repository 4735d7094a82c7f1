"""The end of a run: when it is done, and what it needs to be summed up."""

import hashlib
import json

import pytest
import small

from train.folder import sealed
from train.run.job import prepare
from train.run.summary import is_done, summarise
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
    """The training lines of so many steps, the test of the last one, and half of a line."""
    lines = [{"kind": "train", "step": 1 + n} for n in range(count)]
    lines.append({"kind": "eval", "split": "test", "step": count})
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text + '{"kind": "train", "st')


@pytest.mark.parametrize(
    ("content", "step", "count"),
    [(SUMMARY, 22, 44), ("{ torn", 44, 44), ("{}", 44, 44), (SUMMARY, 44, 43)],
)
def test_a_summary_that_is_stale_or_damaged_is_set_aside(tmp_path, content, step, count, capsys):
    (tmp_path / "summary.json").write_text(content)
    records(tmp_path, count)
    assert not is_done(tmp_path, step, 44, IMAGES)
    assert not (tmp_path / "summary.json").exists()
    assert (tmp_path / "set_aside/summary.json").read_text() == content
    is_said = "summary.json is not as it was written (it cannot be read as JSON)"
    assert (is_said in capsys.readouterr().err) == (content == "{ torn")


def test_a_summary_and_pictures_that_have_changed_are_found(tmp_path, capsys):
    records(tmp_path, 44)
    for name in ("schedule.png", "curves.png"):
        (tmp_path / name).write_bytes(b"png")
    pictures = {"curves.png": hashlib.sha256(b"png").hexdigest()}
    whole = sealed.sealed({**json.loads(SUMMARY), "pictures": pictures})
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(whole))
    assert is_done(tmp_path, 44, 44, IMAGES)
    path.write_text(json.dumps(whole).replace("0.5", "0.6"))
    assert not is_done(tmp_path, 44, 44, IMAGES)
    assert "summary.json is not as it was written (it differs" in capsys.readouterr().err
    path.write_text(json.dumps(whole))
    (tmp_path / "curves.png").write_bytes(b"pNg")
    assert not is_done(tmp_path, 44, 44, IMAGES)
    assert "curves.png is not as it was drawn; summary and pictures" in capsys.readouterr().err


def test_a_run_whose_last_test_is_lost_is_not_done(tmp_path):
    (tmp_path / "summary.json").write_text(SUMMARY)
    records(tmp_path, 44)
    text = (tmp_path / "metrics.jsonl").read_text().replace('"test"', '"other"')
    (tmp_path / "metrics.jsonl").write_text(text)
    assert not is_done(tmp_path, 44, 44, IMAGES)


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


def test_what_is_lost_or_skipped_counts_in_no_mean_and_is_said():
    job = prepare(small.config())
    records = lines(job)
    records[-2] |= {"lost": True, "loss": None, "accuracy": None}
    records[-3] |= {"skipped": True}
    summary = summarise(job, records, best_step=22)
    assert summary["train_loss"] == pytest.approx(sum(1 / step for step in range(23, 43)) / 20)
    assert (summary["lost_lines"], summary["skipped_steps"]) == (1, 1)

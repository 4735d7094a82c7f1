"""Loggers: they get what the folder has, once, and nothing that they do ends or slows a run."""

import json
import sys
import threading
import time
import types

import pytest

from train import loggers
from train.errors import Halted, Interrupted, UserError
from train.folder.about import About
from train.folder.follower import point
from train.folder.log import Log
from train.loggers import behind
from train.loggers.behind import Behind
from train.loggers.wandb_run import WandbRun
from train.run.followed import follow

SIZES = {"total_steps": 8, "steps_per_epoch": 4, "batch_size": 32}


class Known:
    """A logger that keeps what it gets, and fails where it is told to."""

    def __init__(self, fails_at="", known=()):
        self.got, self.outcome, self.run = [], None, None
        self.fails_at, self.known = fails_at, dict(known)
        self.began = threading.Event()
        self.began.set()

    def begin(self, about, run):
        self._fail("begin")
        self.began.wait(10)
        self.run = run or "run-1"
        return self.run, self.known

    def points(self, points):
        self._fail("points")
        self.got += [(each.split, each.step) for each in points]
        self.last = points[-1]
        self.sizes = [*getattr(self, "sizes", []), len(points)]

    def end(self, step, summary, pictures):
        self.ended = (step, summary, [path.name for path in pictures])

    def close(self, outcome):
        self.outcome = outcome
        return "see there"

    def _fail(self, place):
        if self.fails_at == place:
            raise OSError("no route to host\nand more")


def record(step, loss=1.0):
    return {"step": step, "epoch": step / 4, "loss": loss, "learning_rate": 0.1}


def write(folder, logger, *steps, start_step=0, backlog=(), error=None):
    following = Behind("known", logger, About(folder, {"epochs": 2}, "a schedule"), backlog)
    log = Log(folder, **SIZES, start_step=start_step, loggers=[following])
    log.__enter__()
    for step in steps:
        log.train_lines([record(step - 1), record(step)])
    log.eval_line(steps[-1], "test", {"loss": 0.5})
    log.end(8, {"steps": 8}, [folder / "curves.png"]) if error is None else None
    (folder / "tensorboard").mkdir(exist_ok=True)
    log.__exit__(error, None, None)


@pytest.fixture(autouse=True)
def pictures(tmp_path):
    """A picture whose head alone is read."""
    (tmp_path / "curves.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\0\0\0\2\0\0\0\1")


def test_a_logger_gets_the_last_line_of_each_chunk_and_the_ending(tmp_path, capsys):
    logger = Known()
    write(tmp_path, logger, 2, 4)
    assert logger.got == [("train", 2), ("train", 4), ("test", 4)]
    line = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    names = {f"test/{name}" for name in line.keys() - {"kind", "split", "step", "check"}}
    assert logger.last.values.keys() == names >= {"test/loss", "test/seconds", "test/epoch"}
    assert logger.ended == (8, {"steps": 8}, ["curves.png"])
    assert logger.outcome == "done"
    assert capsys.readouterr().out.splitlines()[-1] == "known: see there"


def test_a_number_that_is_not_finite_is_left_out():
    line = {"kind": "train", "step": 3, "loss": None, "accuracy": 0.5}
    assert point(line).values == {"train/accuracy": 0.5}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Interrupted, "interrupted"), (Halted, "halted"), (ValueError, "failed")],
)
def test_a_logger_hears_how_a_start_ended(tmp_path, error, outcome):
    logger = Known()
    write(tmp_path, logger, 2, error=error)
    assert logger.outcome == outcome


def trained(*steps, seconds=0.0):
    return [point({"kind": "train", **record(step), "seconds": seconds}) for step in steps]


def test_a_run_that_goes_on_is_one_run_there_and_no_step_is_sent_twice(tmp_path):
    first, second = Known(), Known()
    write(tmp_path, first, 2, 4, error=Interrupted)
    first_run = first.run
    follow((), None, About(tmp_path, {}, ""), 4)
    write(tmp_path, second, 6, 8, start_step=4, backlog=trained(2, 4))
    assert second.run == first_run
    assert second.got == [("train", 6), ("train", 8), ("test", 8)]


@pytest.mark.parametrize("start", [0, 4])
def test_steps_that_were_lost_and_are_made_anew_are_sent_anew(tmp_path, start):
    write(tmp_path, Known(), 2, 4, 6, error=Interrupted)
    # The checkpoint is older, and a start that no logger follows makes other steps.
    follow((), None, About(tmp_path, {}, ""), start)
    second = Known()
    write(tmp_path, second, 8, start_step=6, backlog=trained(2, 4, 6))
    assert second.got == [("train", step) for step in (2, 4, 6, 8) if step > start] + [("test", 8)]


def test_what_an_earlier_start_did_not_send_is_sent_when_the_run_goes_on(tmp_path):
    write(tmp_path, Known("points"), 2, 4, error=Interrupted)
    backlog = [point({"kind": "train", **record(step)}) for step in (2, 4)]
    logger = Known()
    write(tmp_path, logger, 6, start_step=4, backlog=backlog)
    assert logger.got == [("train", 2), ("train", 4), ("train", 6), ("test", 6)]


def test_what_the_tool_has_counts_more_than_our_note_of_it_if_it_is_the_same(tmp_path):
    logger = Known(known={"train": {2: 3.5, 4: 3.5}})
    backlog = [*trained(2, seconds=3.5), *trained(4, seconds=4.5)]  # 4 was made anew
    write(tmp_path, logger, 6, start_step=4, backlog=backlog)
    assert logger.got == [("train", 4), ("train", 6), ("test", 6)]


def test_a_backlog_may_be_of_any_length_and_is_sent_in_parts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(behind, "MOST", 3)
    monkeypatch.setattr(behind, "_BATCH", 4)
    logger = Known()
    logger.began.clear()
    following = Behind("known", logger, About(tmp_path, {}, ""), trained(*range(1, 11)))
    following.start()
    for each in trained(11, 12, 13):
        following.add(each)
    logger.began.set()
    following.close("done")
    assert [step for _, step in logger.got] == [*range(1, 14)] and logger.sizes == [4, 4, 2, 3]
    assert capsys.readouterr().err == ""


def test_a_note_that_cannot_be_read_is_left_to_its_logger(tmp_path):
    (tmp_path / "loggers").mkdir()
    for text in ("{", "[]", '{"run": "a", "sent": 3}', '{"run": "a"}'):
        (tmp_path / "loggers/known.json").write_text(text)
        behind.forget(tmp_path, 2)
        assert (tmp_path / "loggers/known.json").read_text() == text


class Online:
    """A run of wandb whose server has the steps below 15."""

    starting_step = 15

    def __init__(self):
        self.steps = []

    def log(self, values, step):
        self.steps.append(step)


def test_wandb_says_once_that_it_keeps_the_old_numbers_of_steps(tmp_path, capsys, monkeypatch):
    run = Online()
    fake = types.SimpleNamespace(errors=types.SimpleNamespace(CommError=OSError))
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setattr(WandbRun, "_init", lambda *_: run)
    logger = WandbRun()
    logger.begin(About(tmp_path, {}, ""), "a")
    logger.points(trained(10, 12))
    logger.points(trained(14, 16))
    assert run.steps == [16]
    assert capsys.readouterr().err == (
        "warning: wandb takes no step again, and keeps its old numbers of the steps below 15. "
        f"{tmp_path} has those that were made anew.\n"
    )


@pytest.mark.parametrize("place", ["begin", "points"])
def test_a_logger_that_fails_is_one_line_and_the_run_goes_on(tmp_path, capsys, place):
    logger = Known(place)
    write(tmp_path, logger, 2, 4)
    write(tmp_path, Known(), 6, start_step=4)
    said = capsys.readouterr()
    assert said.err == (
        "warning: known is left out from here on: OSError: no route to host. The run does without "
        f"it, and {tmp_path} has all of its numbers.\n"
    )
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 8


def test_a_logger_that_hangs_slows_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(behind, "PATIENCE", 0.1)
    monkeypatch.setattr(behind, "MOST", 3)
    free = threading.Event()
    logger = Known()
    logger.points = lambda points: free.wait(20)
    since = time.perf_counter()
    write(tmp_path, logger, 2)
    assert "it has not ended after 0 seconds" in capsys.readouterr().err
    write(tmp_path, logger, 2, 4, 6, 8, start_step=0)
    assert time.perf_counter() - since < 5
    assert "3 lines wait for it" in capsys.readouterr().err
    free.set()


def test_a_process_that_does_not_write_starts_no_logger(tmp_path):
    logger = Known()
    following = Behind("known", logger, About(tmp_path, {}, ""))
    with Log(tmp_path, **SIZES, is_writer=False, loggers=[following]) as log:
        log.train_lines([record(1)])
        log.end(8, {}, [])
    assert logger.run is None and not (tmp_path / "loggers").exists()


def test_a_logger_whose_package_is_missing_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"got wandb, which needs wandb. .*'\.\[wandb\]'.*leave"):
        loggers.check(["wandb"])
    loggers.check([])

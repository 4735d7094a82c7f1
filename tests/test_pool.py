"""Workers of a study: tasks in their order, cores of their own, and none lost where one dies."""

import functools
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
import studies

from train.errors import Interrupted, UserError
from train.study import pool
from train.study.tasks import Task
from train.study.worker import Do

RUN = studies.study().runs()[0]


def doer(folder: Path) -> Do:
    """A worker that writes down what it is told; the names of tasks say what befalls it."""

    def do(key: str) -> str:
        name = key.removeprefix("run ")
        with (folder / "made").open("a") as made:
            made.write(f"{name}\n")
        if name == "dies always" or (name == "dies once" and not (folder / name).exists()):
            (folder / name).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("wrong"):
            raise UserError("`x` must be 1, got 2. Take 1.")
        if name.startswith("broken"):
            raise ZeroDivisionError("by nothing")
        if name == "where":
            cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else "?"
            return f"cores {cores}, threads {os.environ['NPROC']}"
        if name == "waits":
            signal.sigwait([signal.SIGUSR1])
        return f"made {name}"

    return do


def tasks(*names: str, **needs: str) -> list[Task]:
    each = {name: frozenset([f"run {needs[name]}"] if name in needs else []) for name in names}
    return [Task("run", name, RUN, needed) for name, needed in each.items()]


def make(folder: Path, todo: list[Task], num_workers: int = 2, **told) -> list[pool.Ended]:
    ended: list[pool.Ended] = []
    cores = [[core] for core in sorted(os.sched_getaffinity(0))[:num_workers]]
    cores += cores[:1] * (num_workers - len(cores))
    quiet = {"began": lambda task: None, "looked": lambda: None}
    pool.make(
        todo, functools.partial(doer, folder), cores, folder, ended=ended.append, **quiet | told
    )
    return ended


def test_every_task_is_made_once_and_after_what_it_needs(tmp_path):
    todo = tasks("c", "b", "a", "d", c="b", b="a")
    ended = make(tmp_path, todo)
    assert {each.task.name: each.outcome for each in ended} == {
        name: f"made {name}" for name in "abcd"
    }
    made = (tmp_path / "made").read_text().split()
    assert sorted(made) == ["a", "b", "c", "d"]
    assert made.index("a") < made.index("b") < made.index("c")


def test_a_task_whose_worker_died_is_made_by_another_and_not_for_ever(tmp_path):
    ended = make(tmp_path, tasks("dies once", "dies always", "a"))
    assert {each.task.name: each.is_failed for each in ended} == {
        "dies once": False, "dies always": True, "a": False,
    }  # fmt: skip
    made = (tmp_path / "made").read_text().splitlines()
    assert (made.count("dies once"), made.count("dies always")) == (2, 3)
    (lost,) = [each for each in ended if each.is_failed]
    assert re.search(r"Its worker died; see .*workers/[12]\.log\.", lost.outcome)


def test_what_cannot_be_made_does_not_keep_the_others_from_it(tmp_path):
    ended = make(tmp_path, tasks("wrong", "broken", "a", "b", b="wrong"), 1)
    assert {each.task.name: each.outcome for each in ended if not each.is_failed} == {"a": "made a"}
    failed = {each.task.name: each.outcome for each in ended if each.is_failed}
    assert failed["wrong"] == "`x` must be 1, got 2. Take 1."
    assert failed["broken"].startswith("ZeroDivisionError: by nothing; see ")
    assert failed["b"] == f"It needs what could not be made: run wrong: {failed['wrong']}"
    assert "ZeroDivisionError" in (tmp_path / "workers" / "1.log").read_text()


def test_a_worker_has_its_own_cores_and_as_many_threads(tmp_path):
    before = os.environ.get("NPROC")
    (ended,) = make(tmp_path, tasks("where"), 1)
    first = min(os.sched_getaffinity(0))
    assert ended.outcome == f"cores [{first}], threads 1"
    assert os.environ.get("NPROC") == before


def test_a_signal_ends_the_workers_and_is_said(tmp_path):
    def stop() -> None:
        while not (tmp_path / "made").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    def began(task: Task) -> None:
        threading.Thread(target=stop).start()

    with pytest.raises(Interrupted, match="SIGTERM came"):
        make(tmp_path, tasks("waits", "a"), 1, began=began)
    assert "a" not in (tmp_path / "made").read_text().split()


def test_the_cores_are_dealt_out_and_no_more_than_there_are(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5}, raising=False)
    assert pool.cores_of(None, 1) == [[0], [1], [2], [5]]
    assert pool.cores_of(2, 1) == [[0], [1]]
    assert pool.cores_of(2, None) == [[0, 1], [2, 5]]
    assert pool.cores_of(None, 2) == [[0, 1], [2, 5]]
    assert pool.cores_of(None, 8) == [[0, 1, 2, 5]]
    for workers, each in ((5, 1), (3, 2), (0, 1), (-1, None)):
        with pytest.raises(UserError, match=f"`--workers` must be from 1 to .*, got {workers}: "):
            pool.cores_of(workers, each)

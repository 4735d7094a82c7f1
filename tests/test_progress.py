"""How far a study is: the time that is left as it really goes, and the page."""

import json
import re
from pathlib import Path

import pytest
import studies

from train.study import progress
from train.study.progress import PAGE, Progress
from train.study.tasks import tasks


def a_run(folder: Path, *, compiling: float, a_step: float, steps: int = 4) -> None:
    """The records of a run whose first chunk of two lines waited for the compiler."""
    folder.mkdir()
    seconds = [compiling + a_step * max(step, 2) for step in range(1, steps + 1)]
    lines = [
        {"kind": "train", "step": step, "epoch": step / 2, "seconds": at, "loss": 1.0}
        for step, at in enumerate(seconds, 1)
    ]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (folder / "summary.json").write_text(json.dumps({"test_accuracy": 0.5, "steps": steps}))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def begun(folder: Path, num_workers: int = 1) -> Progress:
    study = studies.study()
    runs = study.runs()
    todo = [run for run in runs if not (folder / run.folder).exists()]
    return Progress(study, folder, tasks(study, todo), runs, num_workers)


def test_no_time_is_told_before_a_run_has_ended(tmp_path: Path) -> None:
    assert begun(tmp_path).seconds_left() is None


def test_the_time_left_knows_of_no_compilation(tmp_path: Path, clock: list[float]) -> None:
    ahead = begun(tmp_path)
    first, second, *_ = ahead.tasks
    ahead.began(first)
    clock[0] += 100
    a_run(tmp_path / first.name, compiling=96.0, a_step=1.0)
    line = ahead.ended(first, "50.0 %")
    # Two steps after the first chunk took 2 s, so a run of 4 takes 4 s; three are left.
    assert line == f"run 1 of 4: {first.name}: 50.0 %; 0:00:12 left"
    ahead.began(second)
    clock[0] += 3
    assert ahead.seconds_left() == pytest.approx(9)


def test_two_workers_take_half_the_time_but_for_the_last_run(
    tmp_path: Path, clock: list[float]
) -> None:
    first = studies.study().runs()[0]
    a_run(tmp_path / first.folder, compiling=0.0, a_step=1.0)
    ahead = begun(tmp_path, 2)
    assert ahead.seconds_left() == pytest.approx(6)
    for task in ahead.tasks[:2]:
        ahead.ended(task, "halted", is_failed=True)
    assert ahead.seconds_left() == pytest.approx(4)


def test_the_page_tells_what_is_done_made_waited_for_and_failed(
    tmp_path: Path, clock: list[float]
) -> None:
    done = studies.study().runs()[0]
    a_run(tmp_path / done.folder, compiling=0.0, a_step=1.0)
    ahead = begun(tmp_path, 2)
    second, third, fourth = ahead.tasks
    a_run(tmp_path / second.name, compiling=0.0, a_step=1.0, steps=3)
    (tmp_path / second.name / "summary.json").unlink()
    ahead.began(second)
    ahead.ended(third, "`x` must be <1>.", is_failed=True)
    page = (tmp_path / PAGE).read_text()
    assert "1 of 4 runs are done, about 0:00:04 left" in page
    cells = re.findall(r"<td>(.*?)</td>", page)
    assert sorted(cells) == sorted(["50.0", "75 %", "failed", "·"])
    assert "`x` must be &lt;1&gt;." in page
    assert fourth.key in {task.key for task in ahead.tasks}


def test_the_page_of_a_study_that_was_stopped_says_so(tmp_path: Path, clock: list[float]) -> None:
    ahead = begun(tmp_path, 2)
    ahead.began(ahead.tasks[0])
    ahead.stop("SIGTERM came.")
    page = (tmp_path / PAGE).read_text()
    assert "0 of 4 runs are done, and nothing is being made" in page
    assert "Stopped. SIGTERM came. The same command goes on." in page
    assert "<td>begun</td>" not in page

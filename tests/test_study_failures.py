"""Runs that cannot be made: all named at once, left out, and tried again when they are mended."""

import functools
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import studies

import log_anneal as la
from train.changes import Changes, changed
from train.errors import Incomplete, Interrupted, UserError
from train.folder import ending
from train.run import loop as run_loop
from train.study import Range, Study, Tune, load, paper
from train.study import loop as study_loop
from train.study import make as make_module

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")

FINE = {f"fine{place}": {"schedule": la.constant_schedule(place / 100)} for place in range(4)}
WRONG: dict[str, Changes] = {
    "parts": {"optimizer.microbatches": 3},
    "large": {"batch_size": 1000},
    "sharp": {"model.image_size": 224},
}
BREAKS: dict[str, Changes] = {"breaks": {"schedule": la.constant_schedule(0.5)}}
MENDED: dict[str, Changes] = {
    "parts": {"optimizer.microbatches": 1},
    "large": {"batch_size": 64},
    "sharp": {"model.image_size": 32},
}
SHORT = changed(studies.study().base, {"epochs": 1})


def eight(labels: dict[str, Changes], **more: Any) -> Study:
    axes = {"what": {**FINE, **labels}}
    return studies.study(base=SHORT, axes=axes, seeds=(0,), baseline=None, **more)


def make(study: Study, folder: Path, **how: Any) -> None:
    study_loop.run(study, folder, name="small", size="smoke", **how)


def breaking(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """The run `breaks` fails at its evaluation, after its steps."""
    real = run_loop._evaluate

    def evaluate(job: Any, *given: Any) -> Any:
        if job.config.schedule == BREAKS["breaks"]["schedule"]:
            raise error
        return real(job, *given)

    monkeypatch.setattr(run_loop, "_evaluate", evaluate)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Eight runs, of which three cannot be made and one fails in the middle: folder and texts."""
    folder = tmp_path_factory.mktemp("eight")
    with pytest.MonkeyPatch.context() as patch:
        breaking(patch, RuntimeError("the disk is gone\nand more"))
        with pytest.raises(Incomplete) as ended:
            make(eight({**WRONG, **BREAKS}), folder)
    return folder, str(ended.value), (folder / "report.md").read_text()


SENTENCES = {
    "parts": "`batch_size` must be divisible by 12 (devices times microbatches), got 64",
    "large": "`batch_size` must be between 1 and the 128 training images, got 1000",
    "sharp": "`model.image_size` must be 32, got 224",
    "breaks": "RuntimeError: the disk is gone",
}


def test_of_eight_runs_those_that_can_be_made_are_and_four_sentences_say_the_rest(
    whole: tuple[Path, str, str],
) -> None:
    folder, said, report = whole
    ended = {path.parent.name for path in folder.glob("*/summary.json")}
    assert ended == {f"{label}-seed0" for label in FINE}
    assert said.startswith("4 of 8 runs could not be made; the others are.\n")
    for label, sentence in SENTENCES.items():
        assert said.count(f"{label}, seed 0: {sentence}") == 1
        row = next(line for line in report.splitlines() if line.startswith(f"| {label}-seed0 | f"))
        assert sentence in row
        assert ending.state(folder / f"{label}-seed0") == "failed"
    assert "and more" not in said
    assert "Failed: 4 of 8 runs could not be made, and are tried again" in report
    numbers = json.loads((folder / "report.json").read_text())
    assert (numbers["runs_done"], numbers["runs_planned"]) == (4, 8)
    page = (folder / "progress.html").read_text()
    assert "4 of 8 runs are done, nothing is left to make" in page
    assert page.count("<td>failed</td>") == 4


def test_faults_are_named_before_the_first_run_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []

    def stop(*_: Any, **__: Any) -> None:
        said.append(capsys.readouterr().out)
        raise Interrupted("SIGTERM came.")

    monkeypatch.setattr(run_loop, "run", stop)
    with pytest.raises(Interrupted):
        make(eight({**WRONG, **BREAKS}), tmp_path)
    assert len(said) == 1 and "3 of 8 runs cannot be made:\n" in said[0]
    assert all(f"  {label}, seed 0: {SENTENCES[label]}" in said[0] for label in WRONG)


def test_a_study_that_is_mended_goes_on_in_its_folder(
    whole: tuple[Path, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = whole[0]
    before = {path: path.read_bytes() for path in folder.glob("fine*/*.json")}
    assert len(before) == 8
    make(eight({**MENDED, **BREAKS}), folder)
    out = capsys.readouterr().out
    assert "4 of 8 runs are done" in out and "cannot be made" not in out
    assert len(list(folder.glob("*/summary.json"))) == 8
    assert {path: path.read_bytes() for path in before} == before
    assert not list(folder.glob("failed/*"))
    assert "could not be made" not in (folder / "report.md").read_text()
    record = json.loads((folder / "breaks-seed0" / "config.json").read_text())
    assert record["schedule"]["value"] == 0.5


def test_a_run_that_failed_with_other_settings_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        breaking(patch, UserError("`x` must be 1, got 2. Take 1."))
        with pytest.raises(Incomplete, match="1 of 1 runs .*\n  breaks, seed 0: `x` must be 1"):
            make(only(BREAKS), tmp_path)
    make(only({"breaks": {"schedule": la.constant_schedule(0.25)}}), tmp_path)
    held = [tmp_path / each / "config.json" for each in ("breaks-seed0", "set_aside/breaks-seed0")]
    assert [json.loads(path.read_text())["schedule"]["value"] for path in held] == [0.25, 0.5]


def only(labels: dict[str, Changes], **more: Any) -> Study:
    return studies.study(base=SHORT, axes={"what": labels}, seeds=(0,), baseline=None, **more)


def test_a_signal_still_ends_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, Interrupted("SIGTERM came."))
    with pytest.raises(Interrupted):
        make(only({**BREAKS, **FINE}), tmp_path)
    assert not list(tmp_path.glob("failed/*"))
    assert not list(tmp_path.glob("*/summary.json"))


def test_configurations_that_differ_in_schedule_and_seed_are_put_together_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked = []
    real = paper.paper.check

    def check(config: Any) -> int:
        checked.append(config.model.width)
        return real(config)

    monkeypatch.setattr(paper.paper, "check", check)
    widths: dict[str, Changes] = {"narrow": {"model.width": 4}, "wide": {"model.width": 6}}
    schedules = {name: {"schedule": each} for name, each in studies.SCHEDULES.items()}
    study = studies.study(axes={"width": widths, "schedule": schedules}, seeds=range(5))
    assert paper.faults(study, study.runs()) == {}
    assert sorted(checked) == [4, 6]


def wrong_schedule(step: Any) -> Any:
    raise ZeroDivisionError("by nothing")


def test_a_schedule_of_the_users_own_that_fails_is_a_fault_of_its_runs_alone() -> None:
    labels: dict[str, Changes] = {
        "log": {},
        "wrong": {"schedule": wrong_schedule, "schedule_unit": "steps"},
    }
    study = only(labels)
    assert paper.faults(study, study.runs()) == {
        "wrong-seed0": "`schedule` must be a function of the step, and raises ZeroDivisionError: "
        "by nothing at step 0. It is called with the step alone: mend it, or bind its other "
        "arguments."
    }


def test_what_needs_more_memory_than_a_device_has_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paper.paper, "_room", lambda: 0.5)
    study = only({"log": {}})
    (fault,) = paper.faults(study, study.runs()).values()
    found = re.match(r"A run must fit in the memory of a device, 0 MiB, .* at least 1 MiB", fault)
    assert found, fault


def searching(path: str, low: int, high: int, trials: int = 3, **more: Any) -> Study:
    within = Range(low=low, high=high, is_integer=True)
    search = Tune(search={"log": {path: within}}, axis="what", trials=trials, method="grid", **more)
    return only({"log": {}, "other": {}}, tune=search)


@pytest.mark.slow  # 18 s
def test_a_trial_that_cannot_be_made_is_told_and_the_search_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="skipped: optuna is not installed")
    make(searching("optimizer.microbatches", 1, 3), tmp_path)
    report = (tmp_path / "report.md").read_text()
    assert "3 of 3 ended" in report
    line = next(line for line in report.splitlines() if line.startswith("| log | 1 | `"))
    assert "`batch_size` must be divisible by 12" in line
    config = json.loads((tmp_path / "log-tuned-seed0" / "config.json").read_text())
    assert config["optimizer"]["microbatches"] in (1, 2)


def test_a_search_of_which_every_trial_fails_fails_its_runs_and_is_made_anew(
    tmp_path: Path,
) -> None:
    pytest.importorskip("optuna", reason="skipped: optuna is not installed")
    with pytest.raises(Incomplete) as ended:
        make(searching("optimizer.microbatches", 3, 5, trials=2), tmp_path)
    assert "search log: `search` must have settings that can be made, got none" in str(ended.value)
    assert "log / tuned, seed 0: It needs what could not be made: search log: " in str(ended.value)
    assert len(list(tmp_path.glob("*/summary.json"))) == 2
    make(searching("optimizer.microbatches", 1, 2, trials=2), tmp_path)
    assert len(list(tmp_path.glob("*/summary.json"))) == 3
    assert (tmp_path / "set_aside" / "log" / "failed.json").exists()


def test_a_search_whose_trials_cannot_be_made_at_all_is_a_fault_on_paper() -> None:
    study = searching("schedule.peak_value", 1, 2, changes={"batch_size": 1000})
    faults = paper.faults(study, study.runs())
    assert list(faults) == ["log-tuned-seed0"]
    assert faults["log-tuned-seed0"].startswith("Its search cannot be made: `batch_size` must be")


@pytest.mark.slow  # 14 s
def test_workers_make_the_others_and_record_what_fails(tmp_path: Path) -> None:
    file = tmp_path / "study_small.py"
    labels = {"fine": {}, "sharp": {"model.image_size": 224}}
    text = f"studies.study(axes={{'what': {labels}}}, seeds=(0,), baseline=None)"
    file.write_text(studies.FILE.replace("studies.study()", text))
    study = load.prepare_study(file, "smoke", None)
    start = functools.partial(make_module.doer, file, "smoke", None, tmp_path / "study", (1, 1))
    cores = [[min(os.sched_getaffinity(0))]] if hasattr(os, "sched_getaffinity") else [[0]]
    with pytest.raises(
        Incomplete, match="1 of 2 runs could not be made.*\n  sharp, seed 0: `model.image"
    ):
        make(study, tmp_path / "study", workers=study_loop.Workers(start, cores))
    assert (tmp_path / "study" / "fine-seed0" / "summary.json").exists()
    assert (
        "| sharp-seed0 | failed | `model.image_size` must"
        in (tmp_path / "study" / "report.md").read_text()
    )

"""The range test of the trainer: the job that it tests, its files, and lines that work."""

import contextlib
import io
import json
import math
import re
import shlex
import sys

import numpy as np
import pytest
import small
from PIL import Image

import log_anneal as la
from train import __main__
from train.cli import arguments
from train.config import Config
from train.engine import Engine
from train.errors import Interrupted, UserError
from train.run import range_test
from train.run.interrupt import Interrupts
from train.run.range_test import pasted, run

pytestmark = pytest.mark.usefixtures("unoptimized")

SWEEP = {"min_value": 1e-4, "max_value": 100.0, "num_steps": 40, "sweep": "exponential"}
OF_RUN = ("config.json", "metrics.jsonl", "summary.json", "checkpoints/7/state")
SUGGESTED = la.Suggestions(
    steepest=0.01, valley=0.0234, minimum_tenth=0.05, bounds=(0.00123, 0.456), reasons={}
)


def record(folder):
    return json.loads((folder / "range_test.json").read_text())


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The command on four devices, its workdir a run's; and the rates of its optimizer."""
    folder = tmp_path_factory.mktemp("done")
    for name in OF_RUN:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a run's")
    file = tmp_path_factory.mktemp("config") / "small_config.py"
    file.write_text(small.CONFIG_FILE)
    sweep = [f"--{name.replace('_', '-')}={value}" for name, value in SWEEP.items()]
    used, out = [], io.StringIO()
    train = Engine.train

    def remember(*arguments):
        state, metrics = train(*arguments)
        used.extend(metrics["learning_rate"])
        return state, metrics

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setattr(Engine, "train", remember)
        command = ["train", "range-test", str(file), "--workdir", str(folder), *sweep]
        patch.setattr(sys, "argv", [*command, "--model.width", "2"])
        __main__.main()
    return folder, used, out.getvalue()


@pytest.fixture
def fake_engine(monkeypatch):
    """An engine that trains nothing, and whose metrics a test sets."""
    metrics = {"loss": 2.0, "accuracy": 0.1, "learning_rate": 0.1, "halted": False}

    def train(engine, state, data, indices):
        return state, {name: np.array([value]) for name, value in metrics.items()}

    monkeypatch.setattr(Engine, "train", train)
    return metrics


def test_it_sweeps_the_rate_of_the_optimizer(done):
    folder, used, _ = done
    rates = record(folder)["rates"]
    np.testing.assert_allclose(used, rates, rtol=1e-6)
    np.testing.assert_allclose(rates, np.geomspace(1e-4, 100, 40)[: len(rates)])


def test_the_command_prints_the_suggestions(done):
    folder, _, out = done
    for name in ("steepest fall", "valley", "minimum / 10", "Smith's bounds"):
        assert re.search(rf"^{name} +(none|[\d.]+( to [\d.]+)?)$", out, re.MULTILINE)
    assert str(folder / "range_test.png") in out


def test_the_files_of_a_run_are_not_touched(done):
    folder, *_ = done
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {*OF_RUN, "range_test.json", "range_test.png"}
    assert {(folder / name).read_text() for name in OF_RUN} == {"a run's"}


def test_the_record_holds_the_curves_the_configuration_and_the_versions(done):
    folder, *_ = done
    written = record(folder)
    assert la.from_dict(written["config"]["schedule"]) == small.SCHEDULE
    assert written["config"]["halt"]["threshold"] == "auto"
    assert len(written["config"]["data_sha256"]) == 64
    assert written["range_test"] == SWEEP
    assert written["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    curves = ("losses", "accuracies", "smooth_losses", "smooth_accuracies")
    assert {len(written[name]) for name in curves} == {len(written["rates"])}
    assert written["losses"][0] == pytest.approx(math.log(10), rel=0.1)
    assert all(0 <= value <= 1 for value in written["accuracies"])
    assert set(written["suggestions"]) == {
        *("steepest", "valley", "minimum_tenth", "bounds", "reasons"),
    }
    assert np.asarray(Image.open(folder / "range_test.png").convert("L")).std() > 5


def test_the_suggestions_are_those_of_the_curves(done):
    written = record(done[0])
    test = la.RangeTest(
        rates=np.array(written["rates"]),
        losses=np.array(written["losses"], float),
        accuracies=np.array(written["accuracies"]),
        stopped=written["stopped"],
        smoothing_steps=written["smoothing_steps"],
    )
    again = test.suggestions()
    assert written["suggestions"]["reasons"] == again.reasons
    assert written["suggestions"]["valley"] == again.valley


def test_a_gradient_that_is_not_finite_stops_it_and_the_record_is_strict_json(
    tmp_path, fake_engine, capsys
):
    fake_engine["halted"] = True
    run(small.config(), tmp_path, **SWEEP)
    written = json.loads((tmp_path / "range_test.json").read_text(), parse_constant=pytest.fail)
    assert written["losses"] == [None]
    assert written["stopped"] == "the loss was nan at a rate of 0.0001"
    out = capsys.readouterr().out
    assert re.search(r"^valley +none$", out, re.MULTILINE)
    assert out.count("None, because there are 0 finite steps") == 1
    assert "schedule=" not in out


def test_the_threshold_of_the_run_does_not_halt_it():
    config = small.config()
    assert config.halt.threshold is not None
    assert range_test._prepare(config, SWEEP).config.halt.threshold is None


def test_a_signal_ends_it_and_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(Interrupts, "received", lambda self: "SIGTERM")
    with pytest.raises(Interrupted, match="SIGTERM came; of a range test nothing is kept"):
        run(small.config(), tmp_path, **SWEEP)
    assert not list(tmp_path.iterdir())


def test_a_wrong_sweep_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="`min_value` must be .* got 2.0 and 1.0"):
        run(small.config(), tmp_path, **{**SWEEP, "min_value": 2.0, "max_value": 1.0})


SCHEDULES = [
    small.SCHEDULE,
    la.cyclical_cosine_schedule(peak_value=1.0, end_value=0.001, decay_steps=3),
    la.step_decay_schedule(init_value=1.0, decay_steps=3, decay_rate=0.1),
    la.constant_schedule(0.3),
    # Its rate at the end is above the new peak: another schedule is given.
    la.cyclical_cosine_schedule(peak_value=1.0, end_value=0.9, decay_steps=3),
    lambda step: 0.1,
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: repr(schedule)[:20])
def test_the_lines_paste_and_work(schedule):
    is_ours = isinstance(schedule, la.Schedule)
    config = small.config(schedule=schedule, schedule_unit="epochs" if is_ours else "steps")
    lines = pasted(config, SUGGESTED)
    made = [
        eval(f"Config({line})", {"la": la, "Config": Config}).schedule
        for line in lines
        if line.startswith("    schedule=")
    ]
    steps = np.arange(20)
    assert [max(each.at(steps)) for each in made] == [0.023, 0.46, 0.46]
    assert min(made[2].at(steps)) == 0.0012


def test_the_arguments_say_the_same_as_the_line(tmp_path):
    file = tmp_path / "small_config.py"
    file.write_text(small.CONFIG_FILE)
    lines = pasted(small.config(), SUGGESTED)
    schedules = [eval(f"dict({line})", {"la": la})["schedule"] for line in (lines[1], lines[5])]
    for line, schedule in zip((lines[3], lines[7]), schedules, strict=True):
        assert arguments.parse([str(file), *shlex.split(line)]).config.schedule == schedule


def test_without_suggestions_there_is_nothing_to_paste():
    nothing = la.Suggestions(reasons=dict.fromkeys(("steepest", "valley"), "so"))
    assert pasted(small.config(), nothing) == []

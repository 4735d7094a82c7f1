"""A run that was interrupted ends as the one that was not, bit for bit."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import time

import pytest
import small

from train.folder.log import read_metrics

CLOCK = {"seconds", "images_per_second"}
# Eight epochs of 22 steps; a checkpoint after each.
STEPS = 176
LONGER = ("--epochs", "8")


def train(folder, *words):
    """To the same bits by the programs that a user has."""
    return small.train(folder, *LONGER, *words, optimized=True)


def ending(folder):
    """The bytes of the last checkpoint's state, and the metrics less the clock."""
    manifest = json.loads((folder / f"checkpoints/{STEPS}/manifest/metadata").read_text())
    digests = {path: leaf["sha256"] for path, leaf in manifest["leaves"].items()}
    assert any("params" in path for path in digests)
    lines = [
        {name: value for name, value in line.items() if name not in CLOCK}
        for line in read_metrics(folder / "metrics.jsonl")
    ]
    return digests, lines


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    process = train(folder)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert "test accuracy" in out
    return ending(folder / "run")


def wait_for_step(process, path, step):
    """Until the run has logged a step, or ended."""
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError, IndexError):
            if read_metrics(path)[-1]["step"] >= step:
                return
        time.sleep(0.01)


def wait_for_folder(process, folder):
    """Until a folder is there, or the run has ended."""
    while process.poll() is None and not folder.is_dir():
        time.sleep(0.01)


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path, uninterrupted):
    seed = int.from_bytes(os.urandom(4))
    print(f"random seed {seed}")
    draw = random.Random(seed)
    checkpoint = tmp_path / "run/checkpoints/22"
    for wait in (wait_for_step, lambda process, *_: wait_for_folder(process, checkpoint)):
        process = train(tmp_path, "--chunk-steps", "5")
        wait(process, tmp_path / "run/metrics.jsonl", draw.randrange(1, 40))
        time.sleep(draw.random() / 3)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (tmp_path / f"run/checkpoints/{STEPS}").exists()
    assert checkpoint.is_dir()
    process = train(tmp_path, "--chunk-steps", "5")
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert ending(tmp_path / "run") == uninterrupted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_loses_no_step_and_says_how_to_go_on(tmp_path, uninterrupted, number):
    process = train(tmp_path, "--chunk-steps", "1")
    wait_for_step(process, tmp_path / "run/metrics.jsonl", 3)
    process.send_signal(number)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 75
    assert f"interrupted: {number.name} came" in err
    assert re.search(r"To go on, run\n  \S*python\S* -m train", err)
    last = read_metrics(tmp_path / "run/metrics.jsonl")[-1]["step"]
    assert 3 <= last < STEPS
    assert (tmp_path / "run/checkpoints" / str(last)).is_dir()

    process = train(tmp_path, "--chunk-steps", "1")
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert ending(tmp_path / "run") == uninterrupted


def test_a_run_that_is_killed_while_it_is_extended_goes_on_by_the_same_command(tmp_path):
    extended = ("--chunk-steps", "2", "--extend", "stretch", "--epochs", "6")
    process = small.train(tmp_path, "--epochs", "1")
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    path = tmp_path / "run/metrics.jsonl"
    before = path.read_bytes()
    process = small.train(tmp_path, *extended)
    wait_for_step(process, path, 30)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "run/summary.json").exists()
    process = small.train(tmp_path, *extended)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert path.read_bytes().startswith(before)
    lines = [line for line in read_metrics(path) if line["kind"] == "train"]
    assert [line["step"] for line in lines] == list(range(1, 133))
    rates = [line["learning_rate"] for line in lines[22:]]
    expected = small.SCHEDULE.stretch(6 * 22).at(range(22, 132))
    assert rates == pytest.approx(expected.tolist(), rel=1e-6)


def two_processes(tmp_path, *second):
    """Starts a run of two processes, where the second may have more arguments."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        coordinator = f"localhost:{free.getsockname()[1]}"
    together = ("--coordinator", coordinator, "--num-processes", "2", "--chunk-steps", "2")
    return [
        train(tmp_path, *together, "--process-id", str(each), *(second if each else ()))
        for each in range(2)
    ]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (
            ("--schedule.peak-value", "0.9"),
            "`schedule.peak_value` must be the same in all processes, got 0.9 here and 0.05 in",
        ),
        (
            ("--epochs", "3", "--seed", "1"),
            "`epochs` must be the same in all processes, got 3 here and 8 in process 0. So it is "
            "with 1 more. Give all the same command and files.",
        ),
    ],
)
@pytest.mark.slow
def test_processes_with_other_settings_do_not_train_together(tmp_path, second, message):
    processes = two_processes(tmp_path, *second)
    ended = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [2, 2]
    assert "All processes must be able to start, and one is not" in ended[0][1]
    assert message in ended[1][1]
    assert not (tmp_path / "run/metrics.jsonl").exists()


@pytest.mark.slow
def test_two_processes_stop_and_go_on_together(tmp_path):
    """The signal comes to one; both leave with the same step saved, and end with one state."""
    processes = two_processes(tmp_path)
    wait_for_step(processes[0], tmp_path / "run/metrics.jsonl", 3)
    processes[1].send_signal(signal.SIGTERM)
    small.outputs(processes, code=75)
    step = read_metrics(tmp_path / "run/metrics.jsonl")[-1]["step"]
    assert 3 <= step < STEPS
    assert (tmp_path / f"run/checkpoints/{step}").is_dir()

    first, second = small.outputs(two_processes(tmp_path))
    assert "test accuracy" in first
    assert "accuracy" not in second
    steps = [line["step"] for line in ending(tmp_path / "run")[1] if line["kind"] == "train"]
    assert steps == list(range(1, STEPS + 1))

"""Signals: the first is obeyed as soon as nothing is lost, the second at once; no traceback."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import small
from test_resume import LONGER, wait_for_step

BUSY = """
import hashlib, sys
from train.run.interrupt import Interrupts

is_alone, has_begun = map(int, sys.argv[1:])
with Interrupts(is_alone=bool(is_alone)) as interrupts:
    if has_begun:
        interrupts.begun()
    print("ready", flush=True)
    # One operation of some seconds, in which no handler of Python runs, as in a compilation.
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 6_000_000)
    print(interrupts.received(), flush=True)
"""


def busy(is_alone, has_begun):
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY, str(int(is_alone)), str(int(has_begun))],
        cwd=small.ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_the_first_signal_ends_a_process_that_has_nothing_to_lose(number):
    process = busy(is_alone=True, has_begun=False)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == f"interrupted: {number.name} came before a step was made; nothing is lost\n"


@pytest.mark.parametrize("is_alone", [True, False])
def test_the_first_signal_waits_where_something_would_be_lost_and_the_second_does_not(is_alone):
    process = busy(is_alone=is_alone, has_begun=is_alone)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.startswith("interrupted: a second signal came; nothing was saved since")


def test_a_single_signal_is_told_when_it_can_be():
    process = busy(is_alone=True, has_begun=True)
    process.send_signal(signal.SIGUSR1)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "SIGUSR1\n", "")


@pytest.mark.slow
def test_ctrl_c_in_the_first_seconds_leaves_no_traceback(tmp_path):
    draw = random.Random(0)
    for turn in range(12):
        # A run that is much longer than the longest wait.
        words = ("--workdir", str(tmp_path / str(turn)), *LONGER, "--epochs", "400")
        process = small.train(tmp_path, *words)
        time.sleep(draw.uniform(0.1, 6))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode in (-signal.SIGINT, 130, 75), (turn, err)
        assert "Traceback" not in err and err.count("\n") <= 2, (turn, err)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
def test_a_signal_of_any_kind_lets_a_run_be_saved(number, tmp_path):
    process = small.train(tmp_path, *LONGER, "--chunk-steps", "2")
    wait_for_step(process, tmp_path / "run/metrics.jsonl", 5)
    process.send_signal(number)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 75 and f"{number.name} came; step " in err
    assert any((tmp_path / "run/checkpoints").glob("[0-9]*"))

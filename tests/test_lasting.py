"""A run outlives whoever reads what it prints."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest
import small

SLOW = pytest.mark.slow


def command(tmp_path):
    words = [sys.executable, "-m", "train", *small.words(tmp_path)]
    return words, tmp_path / "run"


def place():
    """Where every process here runs, and with which variables."""
    return {"cwd": small.ROOT, "env": small.environment()}


def is_whole(folder):
    steps = json.loads((folder / "summary.json").read_text())["steps"]
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    is_saved = (folder / "checkpoints" / str(steps)).is_dir()
    return is_saved and sum(line["kind"] == "train" for line in lines) == steps


@pytest.mark.parametrize(
    "end",
    [
        "| head -1",
        *(pytest.param(end, marks=SLOW) for end in ("> /dev/full 2> /dev/full", ">&- 2>&-")),
    ],
)
def test_output_that_cannot_be_written_ends_no_run(tmp_path, end):
    words, folder = command(tmp_path)
    script = f"set -o pipefail; {subprocess.list2cmdline(words)} {end}"
    ended = subprocess.run(
        ["bash", "-c", script], **place(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr and "Broken pipe" not in ended.stderr
    assert is_whole(folder)


@pytest.mark.parametrize(
    "words", [["--help"], pytest.param(["configs/quickstart.py", "--dry-run"], marks=SLOW)]
)
def test_a_reader_that_leaves_is_no_error(words):
    script = f"set -o pipefail; {sys.executable} -m train {' '.join(words)} | head -1"
    ended = subprocess.run(
        ["bash", "-c", script], **place(), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_closed_terminal_interrupts_a_run_which_saves_and_goes_on(tmp_path):
    words, folder = command(tmp_path)
    main, side = pty.openpty()
    run = subprocess.Popen(
        ["setsid", "--ctty", *words, "--chunk-steps", "1", "--epochs", "200"],
        **place(),
        stdin=side,
        stdout=side,
        stderr=side,
    )
    os.close(side)
    seen = b""
    while b"2/200" not in seen:
        seen += os.read(main, 65536)
    os.close(main)  # the kernel sends SIGHUP, and what is printed from now on is lost
    assert run.wait(timeout=60) == 75
    saved = max(int(path.name) for path in (folder / "checkpoints").glob("[0-9]*"))
    assert saved >= 6
    again = subprocess.run(
        [*words, "--epochs", "200", "--dry-run"], **place(), capture_output=True, check=False
    )
    assert again.returncode == 0


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_a_folder_of_any_name_is_told_to_a_terminal_that_knows_ascii_alone(
    tmp_path, monkeypatch, words
):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    folder = tmp_path / "läufe-κ"
    folder.mkdir()
    run = small.train(folder, "--epochs", "1", *words)
    out, err = run.communicate(timeout=200)
    assert run.returncode == 0, err
    if words:
        assert " |" in out and "\\u" not in out  # the picture of the schedule
    else:
        assert r"l\xe4ufe-\u03ba/run/curves.png" in out and is_whole(folder / "run")


@pytest.mark.slow
def test_under_nohup_a_hangup_is_ignored(tmp_path):
    words, folder = command(tmp_path)
    run = subprocess.Popen(
        ["nohup", *words],
        **place(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for line in run.stdout:
        if "epoch 1/2" in line:
            run.send_signal(signal.SIGHUP)
    run.stdout.close()
    assert run.wait() == 0 and is_whole(folder)

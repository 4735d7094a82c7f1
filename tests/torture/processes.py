"""Two processes train together, and one is killed or cannot save: the other leaves at once."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from train.folder.log import read_metrics
from train.run.peers import LOST

CLAIM = (
    "Where one of two processes is killed or cannot save, the other ends by itself within 15 "
    "seconds, with code 75 and one line that names the lost one. Started again, they end with the "
    "bits of a run that was never hurt."
)
COUNT = 35
FEW = 0  # a start of two processes takes twenty seconds of CPU time
_ROOT = Path(__file__).parents[2]
_EPOCHS = 60
_CONFIG = """
import os, sys
sys.path.insert(0, {tests!r})
import small
from train.folder.checkpoint import Checkpoints

save = Checkpoints.save

def fail(self, step, *arguments, **more):
    if step >= int(os.environ["NO_SPACE_FROM"]):
        raise OSError(28, "No space left on device", str(step))
    save(self, step, *arguments, **more)

if "NO_SPACE_FROM" in os.environ:
    Checkpoints.save = fail

def get_config():
    return small.config(epochs={epochs}, num_train_images=320)
"""


def torture(random: np.random.Generator, folder: Path, count: int) -> dict[str, int | float | str]:
    """Hurts two processes at drawn moments; every seventh time, the first one cannot save."""
    config = folder / "config.py"
    config.write_text(_CONFIG.format(tests=str(_ROOT / "tests"), epochs=_EPOCHS))
    _end(_start(config, folder / "whole"), "the run that is not hurt")
    expected = _left(folder / "whole")
    total = expected[1][-1]["step"]

    figures = Counter[str]()
    slowest, run = 0.0, folder / "hurt 0"
    for number in range(count):
        if _steps(run) > 0.8 * total:
            _check(config, run, expected, number)
            run = folder / f"hurt {number}"
        kind = "failed saves" if number % 7 == 6 else f"kills of process {number % 2}"
        case = f"{number}: {kind}, at step {_steps(run)}"
        seconds, lines = _hurt(random, config, run, kind, case)
        slowest = max(slowest, seconds)
        figures[kind] += 1
        figures["with lines of JAX's own"] += lines > 1
    _check(config, run, expected, count)
    return {**figures, "slowest_exit_in_seconds": round(slowest, 2)}


def _hurt(
    random: np.random.Generator, config: Path, run: Path, kind: str, case: str
) -> tuple[float, int]:
    """Returns how long the survivor took to end, and how many lines it wrote."""
    before = _steps(run)
    no_space = {"NO_SPACE_FROM": str(before + int(random.integers(10, 40)))}
    processes = _start(config, run, no_space if kind == "failed saves" else {})
    lost = int(kind[-1]) if kind.startswith("kills") else 0
    try:
        if kind.startswith("kills"):
            while _steps(run) <= before and all(each.poll() is None for each in processes):
                time.sleep(0.02)
            time.sleep(float(random.uniform(0, 0.5)))
            processes[lost].send_signal(signal.SIGKILL)
        processes[lost].wait(timeout=300)
        began = time.monotonic()
        _, said = processes[1 - lost].communicate(timeout=300)
        seconds = time.monotonic() - began
    finally:
        for each in processes:
            each.kill()
    assert processes[1 - lost].returncode == LOST, f"{case}: {said}"
    assert f"interrupted: process {lost} of 2 has ended before the run did" in said, case
    assert "Traceback" not in said, f"{case}: {said}"
    assert seconds < 15, f"{case}: {seconds:.1f} s"
    return seconds, len(said.splitlines())


def _check(config: Path, run: Path, expected: Any, number: int) -> None:
    _end(_start(config, run), f"{number}: the run that was hurt")
    assert _left(run) == expected, f"before {number}: other bits"


def _start(config: Path, run: Path, more: dict[str, str] | None = None) -> list[Any]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        coordinator = f"localhost:{free.getsockname()[1]}"
    words = [str(config), "--workdir", str(run), "--coordinator", coordinator]
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "",
        "JAX_COMPILATION_CACHE_DIR": str(run.parent / "programs"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    return [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "train", *words),
                *("--num-processes", "2", "--process-id", str(number)),
            ],
            cwd=_ROOT,
            env=environment | (more if more and number == 0 else {}),
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for number in range(2)
    ]


def _end(processes: list[Any], what: str) -> None:
    try:
        for each in processes:
            _, said = each.communicate(timeout=600)
            assert each.returncode == 0, f"{what}: {said}"
    finally:
        for each in processes:
            each.kill()


def _steps(run: Path) -> int:
    """Returns how many steps the log of a run tells of, while it is being written."""
    try:
        lines = (run / "metrics.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return 0
    steps = [int(each.split('"step": ')[1].split(",")[0]) for each in lines[:-1] if "step" in each]
    return max(steps, default=0)


def _left(run: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Returns the digests of the last state's arrays, and the log less its clock."""
    newest = max(int(each.name) for each in (run / "checkpoints").iterdir() if each.name.isdigit())
    record = json.loads((run / f"checkpoints/{newest}/manifest/metadata").read_text())
    lines = [
        {name: value for name, value in line.items() if name != "seconds" and "per_s" not in name}
        for line in read_metrics(run / "metrics.jsonl")
    ]
    return {path: leaf["sha256"] for path, leaf in record["leaves"].items()}, lines

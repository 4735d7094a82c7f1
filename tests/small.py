"""A run that is small enough to be made many times in a test."""

import contextlib
import dataclasses
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import jax

import log_anneal as la
from train import __main__ as command
from train.augment import Augment
from train.config import Config
from train.models import ModelConfig
from train.preprocess import Preprocess

ROOT = Path(__file__).parent.parent

SCHEDULE = la.cyclical_log_schedule(
    peak_value=0.05, end_value=1e-3, warmup_steps=1, decay_steps=1, restart_steps=1
)


def config(**changes: Any) -> Config:
    """Digits, 1437 images in 22 steps an epoch of 64, through a network of 4 channels."""
    small = Config(
        dataset="digits",
        augment=Augment(flip=False, crop_padding=2),
        preprocess=Preprocess(),
        model=ModelConfig(name="resnet_small", width=4),
        epochs=2,
        batch_size=64,
        eval_batch_size=120,
        schedule=SCHEDULE,
    )
    return dataclasses.replace(small, **changes)


CONFIG_FILE = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
import small

def get_config():
    return small.config()
"""


def train(folder: Path, *arguments: str, **how: Any) -> subprocess.Popen[str]:
    """Starts `python -m train` on the small run, in a process of its own."""
    return start(*words(folder), *arguments, **how)


def words(folder: Path) -> tuple[str, ...]:
    """The words of the command that makes the small run in a folder."""
    file = folder / "small_config.py"
    file.write_text(CONFIG_FILE)
    return (str(file), "--workdir", str(folder / "run"))


def here(*arguments: str) -> tuple[int, str, str]:
    """Runs `python -m train` in this process, which saves a start: its code, output and errors."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code = 0
    with (
        mock.patch.object(sys, "argv", ["train", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            command.main()
        except SystemExit as left:
            assert left.code is None or isinstance(left.code, int)
            code = left.code or 0
    said, told = (stream.buffer.getvalue().decode() for stream in (out, err))
    return code, said, told


def start(
    *arguments: str, devices: int = 1, optimized: bool = False, **how: Any
) -> subprocess.Popen[str]:
    """Starts `python -m train` in a process of its own, as `environment` has it."""
    return subprocess.Popen(
        [sys.executable, "-m", "train", *arguments],
        cwd=ROOT,
        env=environment(devices=devices, optimized=optimized),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **how,
    )


def environment(*, devices: int = 1, optimized: bool = False) -> dict[str, str]:
    """The variables of a process that trains: it takes the programs of the session.

    Programs that are not optimized are there in half the time, and run as long.
    """
    return {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": jax.config.jax_compilation_cache_dir,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": str(not optimized),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }


def outputs(processes: list[subprocess.Popen[str]], *, code: int = 0) -> list[str]:
    """What each printed, once all have ended with a code; none is left behind."""
    try:
        ended = [process.communicate(timeout=200) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, err) in zip(processes, ended, strict=True):
        assert process.returncode == code, err
    return [out for out, _ in ended]

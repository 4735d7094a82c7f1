"""A run that is small enough to be made many times in a test."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import log_anneal as la
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


def train(folder: Path, *arguments: str, devices: int = 1, **how: Any) -> subprocess.Popen[str]:
    """Starts `python -m train` on the small run, in a process of its own."""
    file = folder / "small_config.py"
    file.write_text(CONFIG_FILE)
    return start(str(file), "--workdir", str(folder / "run"), *arguments, devices=devices, **how)


def start(*arguments: str, devices: int = 1, **how: Any) -> subprocess.Popen[str]:
    """Starts `python -m train` in a process of its own."""
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": os.environ["LOG_ANNEAL_CACHE"] + "/programs",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "train", *arguments],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **how,
    )


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

"""Every task, as a run that is made in seconds. A new task joins by one entry."""

from collections.abc import Callable
from typing import Any

import small

from train.config import Config
from train.tasks.forecast import Forecast
from train.tasks.language import Language
from train.tasks.regression import Regression


def classification(**changes: Any) -> Config:
    """Digits: 4 steps an epoch of 64 images."""
    few: dict[str, Any] = {"num_train_images": 256, "num_test_images": 120}
    return small.config(**few | changes)


def forecast(**changes: Any) -> Config:
    """The Mackey-Glass series, 4 samples ahead: 7 steps an epoch of 64 windows."""
    task = Forecast(horizon=4, window=8, length=600, width=8)
    plain = {"task": task, "schedule": small.SCHEDULE, "epochs": 2, "batch_size": 64}
    return Config(**plain | {"eval_batch_size": 40} | changes)


def language(**changes: Any) -> Config:
    """The words of a small language: 7 steps an epoch of 32 passages."""
    task = Language(context=16, width=16, depth=1, num_heads=2, sample_bytes=20)
    plain = {"task": task, "dataset": f"text:{TEXT}", "schedule": small.SCHEDULE}
    return Config(**plain | {"epochs": 2, "batch_size": 32, "eval_batch_size": 40} | changes)


def regression(**changes: Any) -> Config:
    """Least squares with 12 weights: 4 steps an epoch of 64 examples."""
    task = Regression(size=12, examples=256)
    plain = {"task": task, "schedule": small.SCHEDULE, "epochs": 2, "batch_size": 64}
    return Config(**plain | {"eval_batch_size": 40} | changes)


TEXT = small.ROOT / "tests" / "every_task.txt"

EVERY_TASK: dict[str, Callable[..., Config]] = {
    "classification": classification,
    "forecast": forecast,
    "language": language,
    "regression": regression,
}

FILE = """
import sys
sys.path.insert(0, {tests!r})
from every_task import EVERY_TASK

def get_config():
    return EVERY_TASK[{name!r}]()
"""


def file_of(name: str) -> str:
    """A configuration file with the run of a task."""
    return FILE.format(tests=str(small.ROOT / "tests"), name=name)

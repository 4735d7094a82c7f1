"""Every task, as a run that is made in seconds. A new task joins by one entry."""

from collections.abc import Callable
from typing import Any

import small

from train.config import Config
from train.tasks.forecast import Forecast
from train.tasks.regression import Regression


def classification(**changes: Any) -> Config:
    """Digits: 4 steps an epoch of 64 images."""
    few: dict[str, Any] = {"num_train_images": 256, "num_test_images": 120}
    return small.config(**few | changes)


def forecast(**changes: Any) -> Config:
    """The Mackey-Glass series, 4 samples ahead: 7 steps an epoch of 64 windows."""
    task = Forecast(horizon=4, window=8, length=600, width=8)
    plain = {"schedule": small.SCHEDULE, "epochs": 2, "batch_size": 64, "eval_batch_size": 40}
    return Config(task=task, **plain | changes)


def regression(**changes: Any) -> Config:
    """Least squares with 12 weights: 4 steps an epoch of 64 examples."""
    task = Regression(size=12, examples=256)
    plain = {"schedule": small.SCHEDULE, "epochs": 2, "batch_size": 64, "eval_batch_size": 40}
    return Config(task=task, **plain | changes)


EVERY_TASK: dict[str, Callable[..., Config]] = {
    "classification": classification,
    "forecast": forecast,
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

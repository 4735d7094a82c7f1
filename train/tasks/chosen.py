"""The task that a configuration chooses."""

from train.config import Config
from train.tasks.classification import Classification
from train.tasks.task import Task


def task_of(config: Config) -> Task:
    """Returns the task of a configuration: its own, else the classification of images."""
    return Classification() if config.task is None else config.task

"""Checks what a user brings in place of something: a network, a task."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from train.errors import UserError
from train.kinds import shown
from train.models.config import ModelConfig
from train.written import written


def check_builder(model: ModelConfig) -> None:
    """Refuses a network of the user's own whose source is in no file, or with fields beside it."""
    if model.builder is None:
        return
    written("model.builder", model.builder)
    for field in dataclasses.fields(model):
        got = getattr(model, field.name)
        if field.name != "builder" and got != plain(model, field.name):
            raise UserError(
                f"`model.{field.name}` must be left out where `model.builder` builds the network, "
                f"got {got!r}. Let the builder do what it says."
            )


def check_task(task: Any, of_images: Mapping[str, tuple[Any, Any]]) -> None:
    """Refuses what is no task, and settings beside it that it does not use.

    Args:
      task: what `Config.task` holds.
      of_images: the settings of the classification of images, and their defaults.
    """
    is_task = dataclasses.is_dataclass(task) and hasattr(task, "learner")
    if not is_task or isinstance(task, type):
        raise UserError(
            "`task` must be a dataclass and a train.tasks.task.Task, got "
            f"{shown(task)}. "
            "See docs/own_task.md, or leave it out to classify images."
        )
    for name, (got, default) in of_images.items():
        if got != default:
            raise UserError(
                f"`{name}` must be left out for the task {task.name}, got {got!r}. It is a setting "
                "of the classification of images."
            )


def plain(part: Any, name: str) -> Any:
    """Returns the default of a field of a dataclass."""
    field = next(field for field in dataclasses.fields(part) if field.name == name)
    factory = field.default_factory
    return field.default if factory is dataclasses.MISSING else factory()

"""The class that `as_keras` makes: importing this file imports Keras, and tells it of the class.

Keras finds a class of others only where it was registered. So a process that loads a model with
one of our schedules has this line before `keras.models.load_model`:

    import log_anneal.compat.for_keras

A pickle of a schedule for Keras needs no line: it names this file, and Python imports it.
"""

from typing import Any, Self

import keras

from log_anneal._core.schedule import Schedule
from log_anneal._core.to_json import from_json, to_json

__all__ = ["LogAnneal"]


@keras.saving.register_keras_serializable("log_anneal")
class LogAnneal(keras.optimizers.schedules.LearningRateSchedule):
    """One of our schedules as a `keras.optimizers.schedules.LearningRateSchedule`."""

    def __init__(self, schedule: Schedule) -> None:
        """Wraps one of our schedules."""
        super().__init__()
        self.schedule = schedule

    def __call__(self, step: Any) -> Any:
        """Returns the value at a step of Keras's, as a tensor of its backend."""
        step = keras.ops.convert_to_tensor(step)
        if keras.backend.backend() == "jax":
            return self.schedule(step)
        return keras.ops.convert_to_tensor(self.schedule.at(int(step)), keras.config.floatx())

    def get_config(self) -> dict[str, str]:
        """Returns the schedule as JSON."""
        return {"schedule": to_json(self.schedule)}

    @classmethod
    def from_config(cls, config: dict[str, str]) -> Self:
        """Builds the schedule from its JSON."""
        return cls(from_json(config["schedule"]))

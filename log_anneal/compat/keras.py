"""A schedule in the form that Keras takes. Keras is imported when one is made."""

import importlib
from functools import cache
from typing import Any, Self

from log_anneal._compose.function import as_schedule
from log_anneal._core.schedule import Schedule
from log_anneal._core.to_json import from_json, to_json


class KerasSchedule:
    """The methods that `as_keras` adds to `keras.optimizers.schedules.LearningRateSchedule`."""

    def __init__(self, schedule: Schedule) -> None:
        """Wraps one of our schedules."""
        self.schedule = schedule

    def __call__(self, step: Any) -> Any:
        """Returns the value at a step of Keras's, as a tensor of its backend."""
        keras = _keras()
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


def as_keras(schedule: Any) -> Any:
    """Makes a `keras.optimizers.schedules.LearningRateSchedule` of the same values.

    On Keras's JAX backend it is computed in the compiled step, on the others on the host. Keras
    loads a model that was saved with one after `as_keras` was called once, with any schedule.

    Args:
      schedule: a schedule, or any function of the step.

    Returns:
      What a Keras optimizer takes as `learning_rate`; its `get_config()` holds the schedule's JSON.

    Raises:
      ImportError: Keras is not installed.
      ValueError: Keras runs on TensorFlow, whose compiled steps cannot ask the host.

    Example:
      >>> from log_anneal import exponential_schedule
      >>> schedule = exponential_schedule(init_value=0.1, decay_steps=1000, decay_rate=0.5)
      >>> keras.optimizers.SGD(as_keras(schedule))  # doctest: +SKIP

    References:
      keras.optimizers.schedules.LearningRateSchedule.
    """
    backend = _keras().backend.backend()
    if backend == "tensorflow":
        raise ValueError(
            f"Keras's backend must be jax or torch, got {backend}. Set KERAS_BACKEND, or set the "
            "rate once an epoch: `keras.callbacks.LearningRateScheduler(schedule.at)`."
        )
    return _class()(as_schedule("schedule", schedule))


def _keras() -> Any:
    return importlib.import_module("keras")


@cache
def _class() -> Any:
    keras = _keras()
    bases = KerasSchedule, keras.optimizers.schedules.LearningRateSchedule
    return keras.saving.register_keras_serializable("log_anneal")(type("LogAnneal", bases, {}))

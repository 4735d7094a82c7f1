"""A schedule in the form that Keras takes. Keras is imported when one is made."""

import importlib
from typing import Any

from log_anneal._compose.function import as_schedule


def as_keras(schedule: Any) -> Any:
    """Makes a `keras.optimizers.schedules.LearningRateSchedule` of the same values.

    On Keras's JAX backend it is computed in the compiled step, on the others on the host. A model
    is saved with it, if JSON can hold the schedule. To load one, import
    `log_anneal.compat.for_keras` first, which tells Keras of the class:

        import log_anneal.compat.for_keras
        model = keras.models.load_model("model.keras")

    Args:
      schedule: a schedule, or any function of the step.

    Returns:
      What a Keras optimizer takes as `learning_rate`; its `get_config()` holds the schedule's JSON.
      It pickles too, and a pickle needs no import.

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
    keras: Any = importlib.import_module("keras")
    backend = keras.backend.backend()
    if backend == "tensorflow":
        raise ValueError(
            f"Keras's backend must be jax or torch, got {backend}. Set KERAS_BACKEND, or set the "
            "rate once an epoch: `keras.callbacks.LearningRateScheduler(schedule.at)`."
        )
    for_keras: Any = importlib.import_module("log_anneal.compat.for_keras")
    return for_keras.LogAnneal(as_schedule("schedule", schedule))

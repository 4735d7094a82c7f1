"""Config: every knob of a run, typed, and checked once, when it is built."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

import log_anneal as la
from train.augment import Augment
from train.errors import UserError
from train.models import ModelConfig
from train.optimizer import OptimizerConfig
from train.preprocess import Preprocess

Schedule: TypeAlias = la.Schedule | Callable[[jax.typing.ArrayLike], jax.typing.ArrayLike]


_NOT_COMPILED = {
    "schedule",
    "schedule_unit",
    "epochs",
    "seed",
    "dataset",
    "data_dir",
    "num_train_images",
    "num_test_images",
    "validation_fraction",
    "eval_epochs",
    "checkpoint_epochs",
    "chunk_steps",
    "cpu_devices",
}
"""Fields of Config that no program depends on."""


@dataclasses.dataclass(frozen=True)
class Halt:
    """When to stop a run that has gone wrong; a loss that is not finite always stops it."""

    threshold: float | None = 4.5
    """Stop when the training cross-entropy of a step passes this many nats (Naveen 2024,
    equation 5); None: never."""
    grace_epochs: int = 2
    """The threshold counts from this epoch on, and as long after `--adjust-schedule`."""

    def __post_init__(self) -> None:
        """Checks the knobs."""
        if self.threshold is not None and not self.threshold > 0:
            raise UserError(
                f"`halt.threshold` must be above 0, got {self.threshold}. None switches it off."
            )
        _at_least("halt.grace_epochs", self.grace_epochs, 0)


@dataclasses.dataclass(frozen=True)
class Config:
    """One training run."""

    schedule: Any  # a Schedule; the command line takes its fields from the class it finds here
    """Learning rate: a schedule of log_anneal, or any `optax.Schedule`."""
    schedule_unit: Literal["epochs", "steps"] = "epochs"
    """What the schedule's durations count. Epochs need a schedule that can `stretch`."""
    epochs: int = 10
    """Passes over the training images."""
    batch_size: int = 128
    """Images a step, over all devices of all processes."""
    seed: int = 0
    """Of the initial parameters, the order of the images and the augmentation."""

    dataset: str = "digits"
    """digits, a data set's name in TensorFlow Datasets, or an image folder."""
    data_dir: str | None = None
    """Where TensorFlow Datasets keeps its data; None: $TFDS_DATA_DIR, or its own default."""
    num_train_images: int | None = None
    """Take so many of the training images, the same for every seed; None: all."""
    num_test_images: int | None = None
    """Take so many of the test images; None: all."""
    validation_fraction: float = 0.0
    """Part of the training images that is held out to choose the best checkpoint. Without one
    the training loss chooses; the test split never does."""
    preprocess: Preprocess = dataclasses.field(default_factory=Preprocess)
    preprocess_once: bool = False
    """Preprocess all images before the first step, and not those of each step in it. They then take
    four times the memory; on a CPU, whitening costs several times a small network's step."""
    augment: Augment = dataclasses.field(default_factory=Augment)

    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    head: Literal["softmax", "sigmoid"] = "softmax"
    """How logits become probabilities; sigmoid: each by itself, then divided by their sum."""
    label_smoothing: float = 0.0
    """Part of the target that is spread evenly over the classes, in training."""
    optimizer: OptimizerConfig = dataclasses.field(default_factory=OptimizerConfig)
    halt: Halt = dataclasses.field(default_factory=Halt)

    engine: Literal["pmap", "shard_map"] = "pmap"
    """How a step is spread over the devices; both give the same numbers."""
    loop: Literal["auto", "python", "scan"] = "auto"
    """How steps follow each other: a scan compiles a chunk of them into one program; auto: a scan
    on accelerators, Python on CPU, where XLA runs convolutions inside a loop 30 times slower."""
    cpu_devices: int = 1
    """Devices that the CPU is seen as, where there is no accelerator. One for each core can be
    faster than one in all, since XLA does not spread every operation over the cores: try it."""
    chunk_steps: int | None = None
    """Steps between two looks at the metrics and for signals; None: 50 in a scan, 10 in Python."""
    eval_epochs: int = 1
    """Epochs between two evaluations; the last epoch always has one."""
    eval_batch_size: int = 512
    """Images an evaluation step, over all devices."""
    checkpoint_epochs: int = 1
    """Epochs between two checkpoints; the last epoch always has one."""

    def __post_init__(self) -> None:
        """Checks what can be checked without the data."""
        if not callable(self.schedule):
            raise UserError(
                f"`schedule` must be a function of the step, got {self.schedule!r}. "
                "For a fixed rate, use `log_anneal.constant_schedule(value)`."
            )
        if self.schedule_unit == "epochs" and not hasattr(self.schedule, "stretch"):
            raise UserError(
                "`schedule_unit` must be steps for a schedule without `stretch`, got epochs. "
                'Build the schedule in steps and set `schedule_unit="steps"`.'
            )
        for name in ("epochs", "batch_size", "cpu_devices"):
            _at_least(name, getattr(self, name), 1)
        for name in ("eval_epochs", "eval_batch_size", "checkpoint_epochs"):
            _at_least(name, getattr(self, name), 1)
        for name in ("chunk_steps", "num_train_images", "num_test_images"):
            if getattr(self, name) is not None:
                _at_least(name, getattr(self, name), 1)
        _at_least("seed", self.seed, 0)
        if self.seed >= 2**32:
            raise UserError(
                f"`seed` must be below 2^32, got {self.seed}. A JAX key takes no more of it."
            )
        for name, value in flatten(self.knobs()).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise UserError(
                    f"`{name}` must be a finite number, got {value}. "
                    "Where the field takes None, that switches it off."
                )
        for name in ("validation_fraction", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(
                    f"`{name}` must be at least 0 and below 1, got {getattr(self, name)}. "
                    "0 switches it off."
                )

    def schedule_in_steps(self, steps_per_epoch: int) -> Schedule:
        """The schedule as a function of the step.

        Raises:
          UserError: it cannot be stretched so far.
        """
        if self.schedule_unit == "steps":
            return self.schedule
        try:
            return self.schedule.stretch(steps_per_epoch)
        except ValueError as error:
            raise UserError(f"`schedule`, {steps_per_epoch} steps an epoch: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Every knob as JSON takes it, the schedule too."""
        return {"schedule": describe(self.schedule), **self.knobs()}

    def knobs(self) -> dict[str, Any]:
        """Every knob but the schedule, as JSON takes it."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "schedule"]
        values = {name: getattr(self, name) for name in names}
        return {
            name: dataclasses.asdict(value) if hasattr(value, "__dataclass_fields__") else value
            for name, value in values.items()
        }


def fields_of(config: Config) -> str:
    """The fields that a program depends on, as JSON: the same text, the same program."""
    fields = {name: value for name, value in config.knobs().items() if name not in _NOT_COMPILED}
    return json.dumps(fields, sort_keys=True)


def digest(record: Mapping[str, Any]) -> str:
    """SHA-256 of a configuration's `to_dict`, in hex."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def flatten(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` -> `{"a.b": 1}`."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def describe(schedule: Schedule, num_steps: int = 1000) -> dict[str, Any]:
    """A schedule that is data by its fields, any other by its name and its first values."""
    if isinstance(schedule, la.Schedule):
        return la.to_dict(schedule)
    values = np.asarray(jax.vmap(schedule)(np.arange(num_steps, dtype=np.int32)), np.float32)
    name = getattr(schedule, "__qualname__", type(schedule).__qualname__)
    return {"callable": name, "values_sha256": hashlib.sha256(values.tobytes()).hexdigest()}


def _at_least(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UserError(
            f"`{name}` must be a whole number of at least {least}, got {value}. "
            f"Give {least} or more."
        )

"""Config: every knob of a run. It is typed, and checked once, when it is built.

The command line shows the docstring of a field as its help. There each line of the docstring begins
a line, so that a line here ends where a sentence ends.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeAlias

import jax

import log_anneal as la
from train.augment import Augment
from train.checked import Count, Epochs, Extent, Folder, Seed, Share, checked
from train.errors import UserError, did_you_mean
from train.halt import Halt
from train.kinds import Within
from train.models import NETWORKS, ModelConfig
from train.optimizer import OptimizerConfig
from train.own import check_builder, check_task, plain
from train.preprocess import Preprocess
from train.written import check_measures, describe, describe_task, written

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
"""The fields of Config that no compiled program depends on."""

_OF_IMAGES = (
    *("num_train_images", "num_test_images", "preprocess", "preprocess_once", "augment", "model"),
    *("head", "label_smoothing"),
)
"""The fields of Config that are settings of the classification of images."""


@checked()
@dataclasses.dataclass(frozen=True)
class Config:
    """One training run."""

    schedule: Any  # a Schedule; the command line takes its fields from the class it finds here
    """The learning rate: a schedule of log_anneal, or any `optax.Schedule`."""
    schedule_unit: Literal["epochs", "steps"] = "epochs"
    """The unit of the schedule's durations, such as decay_steps: epochs or steps.
    Epochs need a schedule that has a method `stretch`, as those of log_anneal have."""
    task: Any = None  # a train.tasks.task.Task; the command line takes its fields from it
    """What is learnt: a task of train.tasks, or one of your own, in a configuration file.
    None: the classification of images, by the fields of the configuration itself.
    Another task has settings of its own in place of those for images and their network."""
    epochs: Epochs = 10
    """The length of the run: how often it passes over the training images. At least 1.
    A run that has begun gets longer by `--extend`."""
    batch_size: Count = 128
    """The number of images in each step, over all devices of all processes. At least 1."""
    seed: Seed = 0
    """The seed of the initial parameters, the order of the images and the augmentation.
    From 0 to 2^32 - 1."""

    dataset: Folder = "digits"
    """The data set: digits, which needs no download, or a name in TensorFlow Datasets (cifar10).
    It can also be the path of a folder that holds images in train/CLASS and test/CLASS.
    Another task than classification has its own set in place of digits, and says what it takes:
    forecast takes mackey_glass or csv:PATH, language takes pydoc_topics or text:PATH."""
    data_dir: Folder | None = None
    """The folder where TensorFlow Datasets keeps its data.
    None: $TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    num_train_images: Count | None = None
    """How many of the training images to use. The choice is the same for every seed.
    At least 1. None: all."""
    num_test_images: Count | None = None
    """How many of the test images to use. The choice is the same for every seed.
    At least 1. None: all."""
    validation_fraction: Share = 0.0
    """The part of the training images that is held out to choose the best checkpoint.
    At least 0 and below 1. With 0, the training loss chooses it. The test images never do."""
    preprocess: Preprocess = dataclasses.field(default_factory=Preprocess)
    preprocess_once: bool = False
    """Whether all images are preprocessed once, before the first step, and not anew in each step.
    It saves time, since on a CPU whitening takes several times as long as a small network.
    The images then take four times the memory."""
    augment: Augment = dataclasses.field(default_factory=Augment)

    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    head: Literal["softmax", "sigmoid"] = "softmax"
    """How the network's outputs become probabilities of the classes.
    With sigmoid, each output becomes one by itself, and all are divided by their sum."""
    label_smoothing: Share = 0.0
    """The part of the target that is spread evenly over all classes in training.
    At least 0 and below 1. 0: none."""
    optimizer: OptimizerConfig = dataclasses.field(default_factory=OptimizerConfig)
    halt: Halt = dataclasses.field(default_factory=Halt)

    engine: Literal["pmap", "shard_map"] = "pmap"
    """The function of JAX that spreads a step over the devices.
    Both give the same numbers, but for the last digits.
    It may change between two starts of a run."""
    loop: Literal["auto", "python", "scan"] = "auto"
    """How steps follow each other. A scan compiles a chunk of steps into one program.
    auto: a scan on accelerators, Python on a CPU.
    There XLA runs convolutions 30 times slower inside a scan."""
    cpu_devices: Annotated[int, Within(at_least=1, fits=256)] = 1
    """How many devices JAX makes of the CPU, where there is no accelerator. At least 1.
    One for each core can be faster, since XLA does not spread every operation over the cores.
    It may change between two starts of a run, unless batch norm is local.
    Another number of devices changes the last digits."""
    measures: Mapping[str, Callable[..., Any]] = dataclasses.field(default_factory=dict)
    """More numbers for the log, by their names: functions in a configuration file.
    `function(params, grads, updates)` returns one number for each step."""
    chunk_steps: Count | None = None
    """The number of steps after which metrics are logged and signals are seen. At least 1.
    None: 50 in a scan, 10 in Python.
    It changes no number, and may change between two starts of a run."""
    eval_epochs: Epochs = 1
    """The time between two evaluations, in epochs. At least 1. The last epoch always has one."""
    eval_batch_size: Extent = 512
    """The number of images in each step of an evaluation, over all devices. At least 1.
    It may change between two starts of a run. It changes the last digits of a loss alone."""
    checkpoint_epochs: Epochs = 1
    """The time between two checkpoints, in epochs. At least 1. The last epoch always has one.
    The best checkpoint is chosen among them. It may change between two starts of a run."""

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
        if self.task is not None:
            check_task(
                self.task, {name: (getattr(self, name), plain(self, name)) for name in _OF_IMAGES}
            )
            if self.dataset == plain(self, "dataset"):
                object.__setattr__(self, "dataset", self.task.dataset)
        check_measures(self.measures, self.task)
        if self.task is not None:
            return
        check_builder(self.model)
        if self.model.name not in NETWORKS:
            alone = ", ".join(name for name in NETWORKS if not name.startswith("hybrid"))
            hint = did_you_mean(self.model.name, NETWORKS)
            hint = hint or f"There are {alone}, and `hybrid_` before each of them."
            raise UserError(
                f"`model.name` must be the name of a network, got {self.model.name!r}. {hint}"
            )

    def schedule_in_steps(self, steps_per_epoch: int, by: Fraction = Fraction(1)) -> Schedule:
        """Returns the schedule as a function of the step, all durations multiplied by `by`.

        Raises:
          UserError: it cannot be stretched so far.
        """
        factor = by if self.schedule_unit == "steps" else by * steps_per_epoch
        if self.schedule_unit == "steps" and factor == 1:
            return self.schedule
        try:
            return self.schedule.stretch(int(factor) if factor.denominator == 1 else float(factor))
        except ValueError as error:
            raise UserError(f"`schedule`, {steps_per_epoch} steps an epoch: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Returns every knob, the schedule too, as values that JSON can hold."""
        return {"schedule": describe(self.schedule), **self.knobs()}

    def knobs(self) -> dict[str, Any]:
        """Returns every knob except the schedule, as values that JSON can hold."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "schedule"]
        values = {name: getattr(self, name) for name in names}
        knobs = {
            name: dataclasses.asdict(value) if hasattr(value, "__dataclass_fields__") else value
            for name, value in values.items()
        }
        # What nobody has given is not written: the records of earlier runs do not have it.
        knobs["halt"] = self.halt.knobs()
        del knobs["task"]
        if self.task is not None:
            of_all = {name: knobs[name] for name in knobs if name not in _OF_IMAGES}
            knobs = of_all | {"task": describe_task(self.task)}
        elif (builder := knobs["model"].pop("builder")) is not None:
            knobs["model"] = {"builder": written("model.builder", builder)}
        if not (measures := knobs.pop("measures")):
            return knobs
        return knobs | {
            "measures": {name: written(f"measures.{name}", each) for name, each in measures.items()}
        }


def fields_of(config: Config) -> str:
    """Returns the fields that a compiled program depends on, as JSON.

    Configurations with the same text share a program.
    """
    fields = {name: value for name, value in config.knobs().items() if name not in _NOT_COMPILED}
    return json.dumps(fields, sort_keys=True)


def digest(record: Mapping[str, Any]) -> str:
    """Returns the SHA-256 of a configuration's `to_dict`, in hex."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def flatten(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Joins nested names with dots: `{"a": {"b": 1}}` -> `{"a.b": 1}`."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat

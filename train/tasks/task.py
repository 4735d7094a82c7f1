"""The contract of a task: its data, its network, its loss and its measures.

A task is a frozen dataclass, `checked("task")`, whose fields are its settings, and a subclass of
`Task`. `Config.task` holds one, and `docs/own_task.md` builds one.
"""

import abc
import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeAlias

import jax
import numpy as np

from train.batches import batch_indices
from train.config import Config
from train.metric import ACCURACY, Metric

BATCH = "batch"
"""The axis of devices over which a batch is spread."""

Sums: TypeAlias = Mapping[str, Any]
"""Sums over examples, by their names: scalars or arrays."""


class Guess(NamedTuple):
    """What a network that has learnt nothing does."""

    loss: float
    """Its loss. The guard halts a run by itself above twice this, and above 4.5."""
    words: str
    """What it does: "a guess among 10 classes"."""


class DeviceData(NamedTuple):
    """One split in each device's memory."""

    examples: Any
    """A pytree of the split's own arrays."""
    shared: Any
    """A pytree of what all splits share in one copy, such as the statistics of preprocessing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data:
    """The data of a run, on the host."""

    name: str
    """The name of the data set."""
    digest: str
    """The SHA-256, in hex, of all that the numbers of a run depend on."""
    sizes: Mapping[str, int]
    """The number of examples in each split: "train", perhaps "validation", and "test"."""
    about: str
    """The sizes in words, for the terminal."""
    guess: Guess
    key: Hashable = ()
    """All of the data that a compiled program depends on, such as the number of classes."""
    files: Sequence[str] = ()
    """The file of each training example, where each has one of its own; else empty."""
    examples: Callable[[str], Any]
    """The function from a split's name to its arrays, `DeviceData.examples`."""
    shared: Any = ()
    """A pytree of NumPy arrays, `DeviceData.shared`."""

    def like(self, split: str) -> Any:
        """Returns the shapes and types of a split's arrays, without computing one."""
        return shapes_of(self.examples(split))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Learner:
    """A task as pure functions on the devices, of which a program is compiled."""

    init: Callable[[jax.Array], tuple[Any, Any]]
    """The function `key -> (params, stats)`, two nested dicts of float32 arrays. `stats` are the
    averages that a batch moves and no gradient does; often empty."""
    batch: Callable[[DeviceData, Any, jax.Array | None], Any]
    """The function `(data, rows, keys) -> batch`, a pytree of arrays [b, ...]. `keys`, [b], vary
    the examples of training at random; None: in evaluation. A row below 0 is no example."""
    loss: Callable[[Any, Any, Any, jax.Array], tuple[jax.Array, tuple[Any, Mapping[str, Any]]]]
    """The function `(params, stats, batch, keys) -> (loss, (stats, measures))`, means over the
    batch. Several players with losses of their own give the sum, each with the parameters of the
    others behind `jax.lax.stop_gradient`: then each has the gradient of its own loss."""
    sums: Callable[[Any, Any, Any, jax.Array, jax.Array], Sums]
    """The function `(params, stats, batch, is_real, key) -> sums` over the real examples of the
    batch, of which `count` is the number. `is_real` is bool, [b]."""
    predict: Callable[[Any, Any, Any], Any]
    """The function `(params, stats, inputs) -> outputs` of the trained network, for use."""
    decay_mask: Callable[[Any], Any]
    """The function from parameters to bools: True where weight decay acts."""


class Result(NamedTuple):
    """What a run leaves beside its numbers when it has ended."""

    files: Mapping[str, bytes]
    """The content of files, by the names in `Task.files`: pictures, text."""
    baselines: Mapping[str, float]
    """The first measure on the test split of other ways to do the task, by their names."""


class Task(abc.ABC):
    """A task. The engine, the loop, the log, a study and its report know no more of it than this.

    Every function is pure: the same arguments give the same bits, in any process.
    """

    name: ClassVar[str]
    dataset: ClassVar[str]
    """The data set that is taken where `Config.dataset` is left as it is."""
    noun: ClassVar[str]
    """The plural of its examples: "images"."""
    loss_unit: ClassVar[str] = "nats"
    measures: ClassVar[Sequence[Metric]]
    """The measures of an evaluation, beside its loss. The first one chooses the best checkpoint, on
    the validation split, and is what a report compares, on the test split."""
    files: ClassVar[Sequence[str]] = ()
    """The names of the files in `Result.files`."""

    @abc.abstractmethod
    def load(self, config: Config, *, on_paper: bool = False, tell: bool = True) -> Data:
        """Returns the data of a run.

        Args:
          config: of the run.
          on_paper: no step will be made: statistics that take long need not be right.
          tell: print what was found, where that may surprise: the run begins.

        Raises:
          UserError: the data cannot be had, or do not fit the settings.
        """

    @abc.abstractmethod
    def learner(self, config: Config, key: Any) -> Learner:
        """Returns the functions of a program.

        Args:
          config: of the run.
          key: `Data.key` of its data.

        Raises:
          UserError: the network cannot be built.
        """

    @abc.abstractmethod
    def measured(self, sums: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Returns `loss` and the measures of an evaluation, from the sums over a whole split."""

    def rows(self, config: Config, data: Data, steps: range) -> Any:
        """Returns the batch of each step: a pytree of host arrays, [steps, batch_size, ...].

        They are a pure function of the seed and the step, so that a run goes on from any step. By
        default they are int32 indices of the examples, a new permutation each epoch. Data that does
        not fit in memory would be the rows themselves.

        Raises:
          UserError: the split has no whole batch.
        """
        return batch_indices(
            config.seed,
            steps,
            num_examples=data.sizes["train"],
            batch_size=config.batch_size,
            noun=self.noun,
        )

    def share(self) -> str:
        """Returns the name of the first measure that is a share and rises; empty: there is none.

        A range test reads Smith's bounds from it.
        """
        rising = (each.name for each in self.measures if each.unit == "%" and each.better > 0)
        return next(rising, "")

    def network(self, config: Config) -> str:
        """Returns the name of the network, for the summary."""
        return self.name

    def result(self, config: Config, data: Data, predict: Callable[[Any], Any]) -> Result:
        """Returns what a run that has ended leaves beside its numbers.

        Args:
          config: of the run.
          data: of the run.
          predict: the trained network, compiled: inputs -> outputs.
        """
        return Result({}, {})


def measures_of(config: Config) -> Sequence[Metric]:
    """Returns the measures of a configuration's task, without loading what classifies images."""
    return (ACCURACY,) if config.task is None else config.task.measures


def shapes_of(tree: Any) -> Any:
    """Returns the shapes and types of the arrays of a pytree."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)

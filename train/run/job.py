"""A job: a configuration met with its data, ready to run."""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import log_anneal as la
from train import data, preprocess
from train.config import Config, Schedule, describe
from train.data import Dataset
from train.data.cache import Split
from train.engine import Engine
from train.engine.compiled import Program, program
from train.engine.guard import watch_from
from train.engine.state import TrainState
from train.engine.step import DeviceData
from train.errors import UserError


@dataclasses.dataclass(frozen=True)
class Job:
    """What a run is made of; nothing has been computed on a device."""

    config: Config
    dataset: Dataset
    statistics: preprocess.Statistics
    schedule: Schedule
    """In steps."""
    steps_per_epoch: int
    program: Program

    @property
    def engine(self) -> Engine:
        """What runs the steps."""
        return self.program.engine

    @property
    def total_steps(self) -> int:
        """Updates of the whole run."""
        return self.config.epochs * self.steps_per_epoch

    @property
    def chunk_steps(self) -> int:
        """Steps between two looks at the metrics."""
        return self.config.chunk_steps or (50 if self.engine.scans else 10)

    @functools.cached_property
    def rates(self) -> np.ndarray:
        """The learning rate of each step: float32, [total_steps]."""
        steps = np.arange(self.total_steps, dtype=np.int32)
        each = self.schedule if isinstance(self.schedule, la.Schedule) else jax.vmap(self.schedule)
        with jax.ensure_compile_time_eval():  # a caller may be tracing
            return np.asarray(each(jnp.asarray(steps)), np.float32)

    def create_state(self) -> TrainState:
        """The state before the first step, on one device."""
        grace_ends = watch_from(self.config.halt, 0, self.steps_per_epoch)
        return self.program.create(np.uint32(self.config.seed), self.rates, np.int32(grace_ends))

    def resume(self, state: TrainState, *, watch_from: int) -> TrainState:
        """A restored state with this job's schedule, which may be another than it was saved with.

        A step that halted the run is tried again: under its old schedule it halts it again.
        """
        anew: dict[str, Any] = {"halted": np.bool_(False), "watch_from": np.int32(watch_from)}
        opt_state = self.program.reschedule(state.opt_state, self.rates)
        return state._replace(opt_state=opt_state, **anew)

    def record(self) -> dict[str, Any]:
        """What `config.json` holds: the configuration, and which data it met."""
        return {
            **self.config.to_dict(),
            "schedule": describe(self.config.schedule, self.total_steps),
            "data_sha256": self.dataset.digest,
        }

    def splits(self) -> dict[str, Split]:
        """The splits by name, on the host."""
        held_out = (
            {} if self.dataset.validation is None else {"validation": self.dataset.validation}
        )
        return {"train": self.dataset.train, **held_out, "test": self.dataset.test}

    def place_splits(self) -> dict[str, DeviceData]:
        """The splits by name, on every device; the statistics lie there once."""
        place = self.engine.place
        statistics = place(self.statistics)
        return {
            name: DeviceData(place(self._images(split)), place(split.labels), statistics)
            for name, split in self.splits().items()
        }

    def _images(self, split: Split) -> np.ndarray:
        if not self.config.preprocess_once:
            return split.images
        of = _sha256(self.dataset.train), _sha256(split)
        return _applied(_Of(self.config.preprocess, of, (self.statistics, split.images)))

    def chunks(self, start: int) -> Iterator[range]:
        """The steps from `start` to the end, cut after every chunk and every epoch."""
        while start < self.total_steps:
            of_epoch = start % self.steps_per_epoch
            size = min(
                self.chunk_steps - of_epoch % self.chunk_steps, self.steps_per_epoch - of_epoch
            )
            yield range(start, start + size)
            start += size

    def indices(self, steps: range) -> np.ndarray:
        """Which training images are in the batch of each step: int32, [steps, batch_size]."""
        return data.batch_indices(
            self.config.seed,
            steps,
            num_images=len(self.dataset.train.labels),
            batch_size=self.config.batch_size,
        )

    def is_due(self, step: int, every_epochs: int) -> bool:
        """Whether what happens every so many epochs, and at the end, happens after `step`."""
        return step == self.total_steps or step % (every_epochs * self.steps_per_epoch) == 0

    def restarts(self) -> list[int]:
        """The steps at which the schedule restarts, if it can tell."""
        restarts = getattr(self.schedule, "restarts", None)
        return restarts(self.total_steps) if restarts is not None else []


def prepare(config: Config) -> Job:
    """Loads the data, fits the preprocessing, and puts the run together.

    Raises:
      UserError: the data cannot be had, or do not fit the configuration.
    """
    dataset = data.load(
        config.dataset,
        data_dir=config.data_dir,
        num_train_images=config.num_train_images,
        num_test_images=config.num_test_images,
        validation_fraction=config.validation_fraction,
        seed=config.seed,
    )
    # Asked for one step, it checks the batch size against the number of images.
    data.batch_indices(
        config.seed,
        range(1),
        num_images=len(dataset.train.labels),
        batch_size=config.batch_size,
    )
    steps_per_epoch = len(dataset.train.labels) // config.batch_size
    if (config.epochs + config.halt.grace_epochs) * steps_per_epoch >= 2**31:
        raise UserError(
            f"`epochs` with `halt.grace_epochs` must come to fewer than 2^31 steps, got "
            f"{config.epochs} and {config.halt.grace_epochs} of {steps_per_epoch}. Take fewer."
        )
    schedule = config.schedule_in_steps(steps_per_epoch)
    of = (_sha256(dataset.train),)
    return Job(
        config=config,
        dataset=dataset,
        statistics=_fitted(_Of(config.preprocess, of, dataset.train.images)),
        schedule=schedule,
        steps_per_epoch=steps_per_epoch,
        program=program(config, dataset.num_classes),
    )


@dataclasses.dataclass(frozen=True)
class _Of:
    """What preprocessing was made of, and by which digests that is told."""

    knobs: preprocess.Preprocess
    sha256: tuple[str, ...]
    arrays: Any = dataclasses.field(compare=False)


@functools.lru_cache(maxsize=2)
def _fitted(of: _Of) -> preprocess.Statistics:
    """Whitening 50,000 images takes a minute, which runs share; a search has a split of its own."""
    return preprocess.fit(of.knobs, of.arrays)


@functools.lru_cache(maxsize=5)
def _applied(of: _Of) -> np.ndarray:
    return preprocess.apply_to_all(of.knobs, *of.arrays)


def _sha256(split: Split) -> str:
    return hashlib.sha256(np.ascontiguousarray(split.images).data).hexdigest()


def memory(job: Job) -> dict[str, float]:
    """What a run needs on each device, in MiB, as its compiler plans it."""
    shapes = jax.eval_shape(job.create_state)
    splits = job.splits()
    train = splits["train"]
    is_float = job.config.preprocess_once
    images = np.broadcast_to(np.float32(0), train.images.shape) if is_float else train.images
    data = DeviceData(*_shapes((images, train.labels, job.statistics)))
    plan = job.engine.lower(shapes, data, job.config.batch_size).compile().memory_analysis()
    state_bytes = sum(
        math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes)
    )
    of_pixel = 4 if is_float else 1
    data_bytes = sum(
        of_pixel * split.images.nbytes + split.labels.nbytes for split in splits.values()
    )
    data_bytes += sum(array.nbytes for array in jax.tree.leaves(job.statistics))
    sizes = {"state": state_bytes, "data": data_bytes, "step": plan.temp_size_in_bytes}
    return {name: size / 2**20 for name, size in sizes.items()}


def _shapes(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)

"""A job: a configuration together with its data, ready to run."""

import dataclasses
import functools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import jax
import numpy as np

from train import optimizer
from train.config import Config, Schedule
from train.dtype import dtype_of
from train.engine import Engine, guard
from train.engine.compiled import Program, program
from train.engine.state import TrainState
from train.errors import UserError
from train.rates import check_proportion, rates_of
from train.tasks.chosen import task_of
from train.tasks.task import Data, DeviceData, Task
from train.written import describe

_MOST_STEPS = 524_000
"""The steps of the longest run: the state has the rate of each step, and no more room."""


@dataclasses.dataclass(frozen=True)
class Job:
    """All parts of a run. Nothing has been computed on a device yet."""

    config: Config
    task: Task
    data: Data
    schedule: Schedule
    """The schedule, with durations in steps."""
    steps_per_epoch: int
    program: Program

    @property
    def engine(self) -> Engine:
        """Returns the engine, which runs the steps."""
        return self.program.engine

    @property
    def total_steps(self) -> int:
        """Returns the number of updates of the whole run."""
        return self.config.epochs * self.steps_per_epoch

    @property
    def chunk_steps(self) -> int:
        """Returns the number of steps after which metrics are logged."""
        return self.config.chunk_steps or (50 if self.engine.scans else 10)

    @property
    def threshold(self) -> float | None:
        """Returns the loss above which a step halts the run, in nats; None: no loss does."""
        return guard.threshold(self.config.halt, self.data.guess.loss)

    @functools.cached_property
    def rates(self) -> np.ndarray:
        """Returns the learning rate of each step: float32, [total_steps]."""
        return rates_of(self.schedule, self.total_steps)

    def create_state(self) -> TrainState:
        """Returns the state before the first step, on one device."""
        grace_ends = guard.watch_from(self.config.halt, 0, self.steps_per_epoch)
        return self.program.create(np.uint32(self.config.seed), self.rates, np.int32(grace_ends))

    def resume(self, state: TrainState, rates: np.ndarray, *, watch_from: int) -> TrainState:
        """Returns a restored state with other rates in it.

        They may be of another schedule than the state was saved with. A step that halted the run is
        tried again, and under the old schedule it halts again.

        Args:
          state: from a checkpoint.
          rates: of all steps, [total_steps].
          watch_from: the step from which on the halting threshold counts.
        """
        anew: dict[str, Any] = {"halted": np.bool_(False), "watch_from": np.int32(watch_from)}
        # After a halt, the steps that were skipped before it do not count any more. Where the halt
        # fell on a step that was saved before, the state does not tell of it.
        if state.halted or state.skipped >= self.config.halt.skip_limit:
            anew["skipped"] = np.int32(0)
        opt_state = self.program.reschedule(state.opt_state, rates)
        return state._replace(opt_state=opt_state, **anew)

    def shapes(self, epochs: int | None = None) -> TrainState:
        """Returns what a state is like: the shapes and types of its leaves.

        Args:
          epochs: the length of the run that has the state; None: of this one.
        """
        num_steps = (epochs or self.config.epochs) * self.steps_per_epoch
        rates = np.zeros(num_steps, np.float32)
        shapes: TrainState
        shapes = jax.eval_shape(self.program.create, np.uint32(0), rates, np.int32(0))
        return shapes

    def described(self, epochs: int) -> dict[str, Any]:
        """Returns what tells the schedule from others in a run of so many epochs."""
        return describe(self.config.schedule, epochs * self.steps_per_epoch)

    def record(self) -> dict[str, Any]:
        """Returns the configuration for `config.json`, as it is used, and the digest of its data.

        Of `model.dtype` it has the type itself, since `auto` is another one on another device.
        """
        record = self.config.to_dict()
        if "dtype" in record.get("model", {}):
            record["model"] = {**record["model"], "dtype": dtype_of(self.config.model.dtype)}
        return {
            **record,
            "schedule": self.described(self.config.epochs),
            "data_sha256": self.data.digest,
        }

    def place_splits(self) -> dict[str, DeviceData]:
        """Returns the splits by name, on every device. They share one copy of what is shared."""
        place = self.engine.place
        shared = place(self.data.shared)
        return {
            name: DeviceData(place(self.data.examples(name)), shared) for name in self.data.sizes
        }

    def evaluate(self, state: TrainState, data: DeviceData, split: str) -> dict[str, float]:
        """Returns the loss and the measures of a split.

        Args:
          state: on the devices.
          data: the split, on the devices.
          split: its name.
        """
        return self.task.measured(self.engine.evaluate(state, data, self.data.sizes[split]))

    def chunks(self, start: int) -> Iterator[range]:
        """Returns the steps from `start` to the end, cut after every chunk and every epoch."""
        while start < self.total_steps:
            in_epoch = start % self.steps_per_epoch
            size = min(
                self.chunk_steps - in_epoch % self.chunk_steps, self.steps_per_epoch - in_epoch
            )
            yield range(start, start + size)
            start += size

    def ends_chunk(self, step: int) -> bool:
        """Tells whether a chunk ends with the update of this number, counted from 1."""
        return step % self.steps_per_epoch % self.chunk_steps == 0

    def indices(self, steps: range) -> Any:
        """Returns the training examples in the batch of each step, as `Task.rows` gives them."""
        return self.task.rows(self.config, self.data, steps)

    def is_due(self, step: int, every_epochs: int) -> bool:
        """Tells whether something that is done every so many epochs is due after `step`.

        It is always due after the last step.
        """
        return step == self.total_steps or step % (every_epochs * self.steps_per_epoch) == 0

    def restarts(self) -> list[int]:
        """Returns the steps at which the schedule restarts; empty if it cannot tell."""
        restarts = getattr(self.schedule, "restarts", None)
        return restarts(self.total_steps) if restarts is not None else []


def prepare(
    config: Config,
    *,
    on_paper: bool = False,
    stretch: Fraction = Fraction(1),
    tell: bool = True,
) -> Job:
    """Loads the data, fits the preprocessing, and puts the run together.

    Args:
      config: of the run.
      on_paper: the job shows whether the run can be made, and makes no step: its preprocessing has
        the right shapes and no right numbers, since to fit it may take a minute.
      stretch: the factor by which the durations of the schedule are multiplied.
      tell: print what was found in a folder of images.

    Raises:
      UserError: the data cannot be had, or do not fit the configuration.
    """
    task = task_of(config)
    data = task.load(config, on_paper=on_paper, tell=tell)
    task.rows(config, data, range(1))  # which checks the batch size
    steps_per_epoch = data.sizes["train"] // config.batch_size
    if (steps := config.epochs * steps_per_epoch) > _MOST_STEPS:
        raise UserError(
            f"`epochs` must come to at most {_MOST_STEPS:,} steps, got {config.epochs} of "
            f"{steps_per_epoch}, which are {steps:,}. Take fewer, or a larger `batch_size`."
        )
    if (config.epochs + config.halt.grace_epochs) * steps_per_epoch >= 2**31:
        raise UserError(
            f"`epochs` with `halt.grace_epochs` must come to fewer than 2^31 steps, got "
            f"{config.epochs} and {config.halt.grace_epochs} of {steps_per_epoch}. Take fewer."
        )
    schedule = config.schedule_in_steps(steps_per_epoch, stretch)
    job = Job(
        config=config,
        task=task,
        data=data,
        schedule=schedule,
        steps_per_epoch=steps_per_epoch,
        program=program(config, task, data),
    )
    rates = job.rates  # of a schedule of the user's own, this is where a fault is found
    optimizer.check_rates(config.optimizer, rates)
    if stretch != 1:
        written = config.schedule_in_steps(steps_per_epoch)
        check_proportion(written, schedule, stretch, job.total_steps)
    return job

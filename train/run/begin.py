"""Begins a run, or takes it up again: the folder, the state, the data."""

import contextlib
import dataclasses
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import numpy as np

from train.changes import Choice
from train.config import Config
from train.engine import guard
from train.engine.state import TrainState
from train.errors import UserError
from train.folder import back, workdir
from train.folder import length as lengths
from train.folder.checkpoint import Checkpoints
from train.folder.length import Length
from train.run import distributed
from train.run.bad_steps import cut
from train.run.job import Job, prepare
from train.run.restored import restore
from train.run.sizes import beginning
from train.run.summary import check_records, is_done
from train.tasks.task import DeviceData


@dataclasses.dataclass(frozen=True)
class Asked:
    """How a start of a run was asked for."""

    adjust_schedule: bool
    """Whether to go on with another schedule than the run began with."""
    extend: Choice | None
    """What the rate follows where the run gets more epochs than it had; None: it does not."""
    is_quiet: bool
    """Whether to print no lines."""
    from_step: int | None = None
    """The step of the checkpoint to go on from; None: the newest."""


@dataclasses.dataclass(frozen=True)
class Begun:
    """A run that is ready for its next step."""

    job: Job
    checkpoints: Checkpoints
    state: TrainState
    """The state, on the devices."""
    splits: Mapping[str, DeviceData]
    start: int
    """The number of updates that were made before."""
    since: int
    """The step at which the schedule replaced another one; 0: it is the first."""


def begin(
    config: Config,
    folder: Path,
    stack: contextlib.ExitStack,
    asked: Asked,
) -> Begun | None:
    """Takes the folder, restores the state and places the data; None: the run has already ended.

    Args:
      config: the run's configuration.
      folder: the run's folder.
      stack: closes what is opened.
      asked: how the run begins.

    Raises:
      UserError: the configuration, the data or the folder cannot be used, or the processes differ.
    """
    distributed.on_first(lambda: workdir.make_folder(folder))
    if (step := asked.from_step) is not None:
        distributed.on_first(lambda: back.choose(folder, step))
    length = distributed.on_first(lambda: lengths.read(folder, config.to_dict(), asked.extend))
    by = (length.stretch if length else Fraction(1)).as_integer_ratio()
    stretch = Fraction(*distributed.from_first(np.array(by, np.int32)).tolist())
    job = distributed.together(lambda: prepare(config, stretch=stretch))
    distributed.together(lambda: distributed.check_equal("data set", job.data.digest))

    record = job.record()
    distributed.together(lambda: distributed.check_same(record, **dataclasses.asdict(asked)))
    checkpoints = Checkpoints(
        folder / "checkpoints",
        config_digest=workdir.fixed_digest(record),
        is_writer=distributed.is_first(),
    )
    distributed.together(lambda: stack.enter_context(checkpoints))
    hold = distributed.on_first(lambda: _hold(job, folder, record, length, asked.adjust_schedule))

    state = _restore(job, checkpoints, hold.digests if hold else {}, step)
    start = int(state.step)
    distributed.on_first(lambda: check_records(folder, start))
    if hold and not asked.is_quiet:
        print(*(f"{line}\n" for line in hold.says(start, job.total_steps)), sep="", end="")
    if step is not None:
        newer = distributed.on_first(lambda: back.leave_newer(folder, start)) or []
        print(*(f"{line}\n" for line in newer), sep="", end="")
    since = distributed.on_first(lambda: hold.settle(start, job.total_steps) if hold else 0)
    since = int(distributed.from_first(np.int32(since or 0)))
    done_before = distributed.on_first(
        lambda: is_done(folder, start, job.total_steps, job.task, is_quiet=asked.is_quiet)
    )
    if distributed.from_first(np.bool_(done_before)):
        return None
    distributed.on_first(lambda: cut(folder, start))
    if not asked.is_quiet:
        distributed.on_first(lambda: print(beginning(job, start), flush=True))
    grace_ends = guard.watch_from(config.halt, since, job.steps_per_epoch)
    rates = _rates(job, folder, start, since)
    state = job.engine.place(job.resume(state, rates, watch_from=grace_ends))
    return Begun(job, checkpoints, state, job.place_splits(), start, since)


def _rates(job: Job, folder: Path, start: int, since: int) -> np.ndarray:
    """Returns the rate of each step: float32, [total_steps].

    The steps up to the one since which its schedule is used have the rates that they had. They are
    made anew where the run falls back behind that step.
    """
    if since == start > 0:
        distributed.on_first(lambda: back.keep_rates(folder, since))
    if since == 0:
        return job.rates
    rates = job.rates.copy()
    before = distributed.on_first(lambda: back.rates_until(folder, since))
    if before is not None:
        rates[:since] = before
    elif start < since and distributed.is_first():
        print(
            f"warning: steps {start + 1} to {since} had another schedule, which is not known any "
            "more; they are made under the new one",
            file=sys.stderr,
        )
    return np.asarray(distributed.from_first(rates))


def _hold(
    job: Job, folder: Path, record: dict[str, Any], length: Length | None, adjust_schedule: bool
) -> workdir.Hold:
    before = job.described(length.was) if length else None
    return workdir.hold(
        folder, record, adjust_schedule=adjust_schedule, length=length, before=before
    )


def _restore(
    job: Job, checkpoints: Checkpoints, digests: Mapping[str, int], step: int | None
) -> TrainState:
    """Returns the state of the newest checkpoint, or of a step's; without any, a new one.

    It is on the host, and the same in all processes.
    """
    shapes = job.shapes()
    restored = distributed.on_first(lambda: restore(job, checkpoints, digests, step=step))
    state: TrainState
    if distributed.from_first(np.bool_(restored is not None)):
        empty = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
        state = distributed.from_first(empty if restored is None else restored)
    else:
        state = jax.device_get(job.create_state())
        _refuse_not_finite(state)
    return state


def _refuse_not_finite(state: TrainState) -> None:
    """Refuses a first state with a number that is not finite: a checkpoint must hold none."""
    if bad := guard.not_finite(state):
        raise UserError(
            f"`model` must begin with finite numbers, and {bad[0]} has others. Mend the network."
        )

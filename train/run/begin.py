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

from train.atomic_file import sweep
from train.changes import Choice
from train.config import Config
from train.dtype import DTYPES, dtype_of
from train.engine import guard
from train.engine.state import TrainState
from train.errors import UserError
from train.folder import back, workdir
from train.folder import length as lengths
from train.folder import record as records
from train.folder.checkpoint import Checkpoints
from train.folder.files import removed_if_empty
from train.folder.length import Length
from train.folder.log import Log
from train.folder.manifest import Restored
from train.folder.origin import made_by
from train.folder.record import SINCE
from train.folder.same_run import SameRun
from train.run import bad_steps, distributed, network_file, past_rates
from train.run.bad_steps import FILE as BAD_STEPS
from train.run.job import Job, prepare
from train.run.network_file import Needs
from train.run.records import METRICS, restore_with_log
from train.run.restored import as_begun, dtype_held
from train.run.sizes import beginning
from train.run.summary import is_done
from train.tasks.classification import ImageData
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
    about: Mapping[str, Any]
    """What manifests say of the run from here on: its record, and who made which steps."""

    def manifest(self, folder: Path, log: Log, step: int) -> Mapping[str, Any]:
        """Returns what the manifest of a checkpoint says of the run beside its state.

        Args:
          folder: the run's folder.
          log: the run's log, which has the lines of all steps up to this one.
          step: the number of updates done.
        """
        logs = {METRICS: log.extent(), BAD_STEPS: bad_steps.extent_until(folder, step)}
        return {**self.about, "logs": logs}


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
    stack.enter_context(removed_if_empty(folder))
    distributed.on_first(lambda: workdir.make_folder(folder))
    has_begun = (folder / "config.json").exists()
    if (step := asked.from_step) is not None:
        distributed.on_first(lambda: back.choose(folder, step))
    length = distributed.on_first(lambda: lengths.read(folder, config.to_dict(), asked.extend))
    by = (length.stretch if length else Fraction(1)).as_integer_ratio()
    stretch = Fraction(*distributed.from_first(np.array(by, np.int32)).tolist())
    config = _with_dtype(config, folder, asked.is_quiet)
    job = distributed.together(lambda: prepare(config, stretch=stretch, tell=not has_begun))
    distributed.together(lambda: distributed.check_equal("data set", job.data.digest))

    record = job.record()
    distributed.together(lambda: distributed.check_same(record, **dataclasses.asdict(asked)))
    checkpoints = Checkpoints(folder / "checkpoints", is_writer=distributed.is_first())
    distributed.together(lambda: stack.enter_context(checkpoints))
    distributed.on_first(lambda: sweep(folder, folder / "loggers"))
    hold = distributed.on_first(lambda: _hold(job, folder, record, length, asked.adjust_schedule))
    if hold and hold.held and hold.held.mended:
        print(f"warning: {hold.held.mended}", file=sys.stderr)

    same = SameRun(hold.held.content, record) if hold and hold.held else None
    restored = distributed.on_first(lambda: restore_with_log(job, checkpoints, same, folder, step))
    state = _shared(job, restored)
    start = int(state.step)
    if hold and not asked.is_quiet:
        print(*(f"{line}\n" for line in hold.says(start, job.total_steps)), sep="", end="")
    if step is not None:
        newer = distributed.on_first(lambda: back.leave_newer(folder, start)) or []
        print(*(f"{line}\n" for line in newer), sep="", end="")
    content = distributed.on_first(lambda: hold.settle(start, job.total_steps) if hold else {})
    content = content or {}
    since = int(distributed.from_first(np.int32(content.get(SINCE, 0))))
    if isinstance(data := job.data, ImageData):
        distributed.on_first(lambda: network_file.keep(folder, _needs(job, data)))
    manifest = restored.manifest if restored else {}
    distributed.on_first(lambda: bad_steps.cut(folder, start, manifest))
    done_before = distributed.on_first(
        lambda: is_done(folder, start, job.total_steps, job.task, is_quiet=asked.is_quiet)
    )
    if distributed.from_first(np.bool_(done_before)):
        return None
    if not asked.is_quiet:
        distributed.on_first(lambda: print(beginning(job, start), flush=True))
    grace_ends = guard.watch_from(config.halt, since, job.steps_per_epoch)
    rates = distributed.on_first(lambda: past_rates.rates(job, folder, content, restored))
    rates = distributed.from_first(job.rates if rates is None else rates)
    state = job.engine.place(job.resume(state, rates, watch_from=grace_ends))
    makers = distributed.on_first(lambda: made_by(manifest, start)) or []
    about = {"record": content, "made_by": makers}
    return Begun(job, checkpoints, state, job.place_splits(), start, since, about)


def _needs(job: Job, data: ImageData) -> Needs:
    file = network_file.file_of(job.config.model.builder)
    shape = data.dataset.train.images.shape[1:]
    return Needs(data.dataset.class_names, shape, data.shared, file)


def _with_dtype(config: Config, folder: Path, is_quiet: bool) -> Config:
    """Returns a configuration whose `auto` is the type with which the run began."""
    held = distributed.on_first(lambda: DTYPES.index(dtype_held(records.read(folder))))
    dtype = DTYPES[int(distributed.from_first(np.int32(held or 0)))]
    kept = as_begun(config, dtype)
    if kept is not config and distributed.is_first() and not is_quiet:
        usual = dtype_of(config.model.dtype)
        print(f"model.dtype stays {dtype}, with which the run began; {usual} is usual here")
    return kept


def _hold(
    job: Job, folder: Path, record: dict[str, Any], length: Length | None, adjust_schedule: bool
) -> workdir.Hold:
    before = job.described(length.was) if length else None
    return workdir.hold(
        folder, record, adjust_schedule=adjust_schedule, length=length, before=before
    )


def _shared(job: Job, restored: Restored | None) -> TrainState:
    """Returns the state that the first process has restored; without any, a new one.

    It is on the host, and the same in all processes.
    """
    shapes = job.shapes()
    state: TrainState
    if distributed.from_first(np.bool_(restored is not None)):
        empty = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
        state = distributed.from_first(empty if restored is None else restored.state)
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

"""The loop of a run: restore, step, log, evaluate, save."""

import contextlib
import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import numpy as np

from train.config import Config
from train.engine import guard
from train.engine.state import TrainState
from train.engine.step import DeviceData
from train.errors import Halted, Interrupted
from train.folder import length as lengths
from train.folder import workdir
from train.folder.checkpoint import Checkpoints
from train.folder.length import Choice, Length
from train.folder.log import Log, read_metrics
from train.run import distributed
from train.run.bad_steps import halt_of, note
from train.run.interrupt import Interrupts
from train.run.job import Job, prepare
from train.run.restored import restore
from train.run.sizes import beginning
from train.run.summary import check_records, finish, is_done

_OF_THE_GUARD = {"halted", "skipped", "bad_leaf", *guard.CAUSES}


def run(
    config: Config,
    folder: Path,
    *,
    adjust_schedule: bool = False,
    extend: Choice | None = None,
    is_quiet: bool = False,
) -> None:
    """Trains from the start, or from where an earlier start of the same run was interrupted.

    Args:
      config: the run's configuration.
      folder: the run's folder.
      adjust_schedule: go on with another schedule than the run began with.
      extend: go on to more epochs than the run had, and what the rate follows then.
      is_quiet: print no lines. A terminal still shows the bar.

    Raises:
      UserError: the configuration, the data or the folder cannot be used.
      Halted: a step went wrong; the state before it is saved.
      Interrupted: a signal came; the state is saved.
    """
    with Interrupts() as interrupts, contextlib.ExitStack() as stack:
        begun = _begin(
            config,
            folder,
            stack,
            adjust_schedule=adjust_schedule,
            extend=extend,
            is_quiet=is_quiet,
        )
        if begun is None:
            return
        job, checkpoints, state, splits = begun.job, begun.checkpoints, begun.state, begun.splits
        losses = _losses_of_epoch(job, folder, begun.start)
        with _open_log(job, folder, begun.start, is_quiet) as log:
            for steps in job.chunks(begun.start):
                if signal := interrupts.received():
                    log.sync()
                    checkpoints.save(steps.start, state, wait=True)
                    raise Interrupted(f"{signal} came; step {steps.start} is saved.")

                state, metrics = job.engine.train(state, splits["train"], job.indices(steps))
                done = steps.start + int((~metrics["halted"]).sum())
                log.train_lines(records(job, range(steps.start, done), metrics))
                if distributed.is_first():
                    log.lines(note(job, folder, steps, metrics))
                if reason := halt_of(job, metrics):
                    log.sync()
                    checkpoints.save(done, state, wait=True)
                    raise Halted(done, reason)

                losses += metrics["loss"][~metrics["skipped"]].tolist()
                scores = {"train": -float(np.mean(losses))} if losses else {}
                if job.is_due(done, config.eval_epochs):
                    scores |= _evaluate(job, state, splits, log, done)
                if job.is_due(done, config.checkpoint_epochs):
                    chooser = "validation" if "validation" in splits else "train"
                    log.sync()
                    checkpoints.save(done, state, score=scores.get(chooser))
                if job.is_due(done, 1):
                    losses = []
        distributed.on_first(
            lambda: finish(job, folder, log, best_step=checkpoints.best_step(), since=begun.since)
        )
        # Of a study, the next run must not begin.
        if is_quiet and (signal := interrupts.received()):
            raise Interrupted(f"{signal} came; {folder} is done.")


@dataclasses.dataclass(frozen=True)
class _Begun:
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


def _begin(
    config: Config,
    folder: Path,
    stack: contextlib.ExitStack,
    *,
    adjust_schedule: bool,
    extend: Choice | None,
    is_quiet: bool,
) -> _Begun | None:
    """Takes the folder, restores the state and places the data; None: the run has already ended."""
    distributed.on_first(lambda: workdir.make_folder(folder))
    length = distributed.on_first(lambda: lengths.read(folder, config.to_dict(), extend))
    by = (length.stretch if length else Fraction(1)).as_integer_ratio()
    stretch = Fraction(*distributed.from_first(np.array(by, np.int32)).tolist())
    job = distributed.together(lambda: prepare(config, stretch=stretch))
    distributed.together(lambda: distributed.check_equal("data set", job.dataset.digest))

    record = job.record()
    asked = {"adjust_schedule": adjust_schedule, "extend": extend}
    distributed.together(lambda: distributed.check_same(record, **asked))
    checkpoints = Checkpoints(
        folder / "checkpoints",
        config_digest=workdir.fixed_digest(record),
        is_writer=distributed.is_first(),
    )
    distributed.together(lambda: stack.enter_context(checkpoints))
    hold = distributed.on_first(lambda: _hold(job, folder, record, length, adjust_schedule))

    state = _restore(job, checkpoints, hold.digests if hold else {})
    start = int(state.step)
    if hold and not is_quiet:
        print(*(f"{line}\n" for line in hold.says(start, job.total_steps)), sep="", end="")
    since = distributed.on_first(lambda: hold.settle(start, job.total_steps) if hold else 0)
    since = int(distributed.from_first(np.int32(since or 0)))
    done_before = distributed.on_first(lambda: is_done(folder, start, job.total_steps, is_quiet))
    if distributed.from_first(np.bool_(done_before)):
        return None
    distributed.together(lambda: distributed.on_first(lambda: check_records(folder, start)))

    if not is_quiet:
        distributed.on_first(lambda: print(beginning(job, start), flush=True))
    grace_ends = guard.watch_from(config.halt, since, job.steps_per_epoch)
    state = job.engine.place(job.resume(state, watch_from=grace_ends))
    return _Begun(job, checkpoints, state, job.place_splits(), start, since)


def _evaluate(
    job: Job, state: TrainState, splits: Mapping[str, DeviceData], log: Log, step: int
) -> dict[str, float]:
    """Evaluates and logs the validation and test splits, and returns their accuracies."""
    scores = {}
    for name in ("validation", "test"):
        if name in splits:
            measured = job.engine.evaluate(state, splits[name])
            log.eval_line(step, name, measured)
            scores[name] = measured["accuracy"]
    return scores


def _open_log(job: Job, folder: Path, start: int, is_quiet: bool) -> Log:
    return Log(
        folder,
        total_steps=job.total_steps,
        steps_per_epoch=job.steps_per_epoch,
        batch_size=job.config.batch_size,
        start_step=start,
        is_writer=distributed.is_first(),
        is_quiet=is_quiet,
    )


def _hold(
    job: Job, folder: Path, record: dict[str, Any], length: Length | None, adjust_schedule: bool
) -> workdir.Hold:
    before = job.described(length.was) if length else None
    return workdir.hold(
        folder, record, adjust_schedule=adjust_schedule, length=length, before=before
    )


def _restore(job: Job, checkpoints: Checkpoints, digests: Mapping[str, int]) -> TrainState:
    """Returns the newest checkpoint's state, else a new one: on the host, the same everywhere."""
    shapes = job.shapes()
    restored = distributed.on_first(lambda: restore(job, checkpoints, digests))
    state: TrainState
    if distributed.from_first(np.bool_(restored is not None)):
        empty = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
        state = distributed.from_first(empty if restored is None else restored)
    else:
        state = jax.device_get(job.create_state())
    return state


def _losses_of_epoch(job: Job, folder: Path, start: int) -> list[float]:
    """Returns the losses that an earlier start logged in the epoch that `start` lies in."""
    if not distributed.is_first() or start % job.steps_per_epoch == 0:
        return []
    first = start - start % job.steps_per_epoch
    lines = read_metrics(folder / "metrics.jsonl")
    return [
        line["loss"]
        for line in lines
        if line["kind"] == "train" and first < line["step"] <= start and "skipped" not in line
    ]


def records(job: Job, steps: range, metrics: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Returns a line for each step. `step` counts the steps up to it, `epoch` the epochs.

    The line of a step that was skipped says so; its numbers are those that it would have had.

    Args:
      job: the run.
      steps: the steps that were made.
      metrics: of these steps, [steps] each.
    """
    names = [name for name in metrics if name not in _OF_THE_GUARD]
    return [
        {
            "step": step + 1,
            "epoch": (step + 1) / job.steps_per_epoch,
            **{name: float(metrics[name][place]) for name in names},
            **({"skipped": True} if metrics["skipped"][place] else {}),
        }
        for place, step in enumerate(steps)
    ]

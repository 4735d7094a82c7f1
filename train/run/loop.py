"""The loop of a run: restore, step, log, evaluate, save."""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from train import loggers
from train.config import Config, flatten
from train.engine import guard
from train.engine.state import TrainState
from train.engine.step import DeviceData
from train.errors import Halted, Interrupted
from train.folder import workdir
from train.folder.about import About
from train.folder.checkpoint import Checkpoints
from train.folder.log import Log, read_metrics
from train.run import distributed
from train.run.followed import follow
from train.run.interrupt import Interrupts
from train.run.job import Job, prepare
from train.run.sizes import beginning
from train.run.summary import check_records, finish, is_done


def run(
    config: Config,
    folder: Path,
    *,
    adjust_schedule: bool = False,
    is_quiet: bool = False,
    log_to: Sequence[loggers.Name] = (),
) -> None:
    """Trains from the start, or from where an earlier start of the same run was interrupted.

    Args:
      config: the run's configuration.
      folder: the run's folder.
      adjust_schedule: go on with another schedule than the run began with.
      is_quiet: print no lines. A terminal still shows the bar.
      log_to: the loggers that get the numbers beside the folder.

    Raises:
      UserError: the configuration, the data, the folder or a logger cannot be used.
      Halted: a step went wrong; the state before it is saved.
      Interrupted: a signal came; the state is saved.
    """
    distributed.on_first(lambda: loggers.check(log_to))
    with Interrupts() as interrupts, contextlib.ExitStack() as stack:
        begun = _begin(config, folder, stack, adjust_schedule=adjust_schedule, is_quiet=is_quiet)
        if begun is None:
            return
        job, checkpoints, state, splits = begun.job, begun.checkpoints, begun.state, begun.splits
        losses = _losses_of_epoch(job, folder, begun.start)
        with _open_log(job, folder, begun.start, is_quiet, log_to) as log:
            for steps in job.chunks(begun.start):
                if signal := interrupts.received():
                    log.sync()
                    checkpoints.save(steps.start, state, wait=True)
                    raise Interrupted(f"{signal} came; step {steps.start} is saved.")

                state, metrics = job.engine.train(state, splits["train"], job.indices(steps))
                done = steps.start + int((~metrics["halted"]).sum())
                log.train_lines(records(job, range(steps.start, done), metrics))
                if reason := guard.why(job.threshold, metrics, job.dataset.num_classes):
                    log.sync()
                    checkpoints.save(done, state, wait=True)
                    raise Halted(done, reason)

                losses += metrics["loss"].tolist()
                scores = {"train": -float(np.mean(losses))}
                if job.is_due(done, config.eval_epochs):
                    scores |= _evaluate(job, state, splits, log, done)
                if job.is_due(done, config.checkpoint_epochs):
                    chooser = "validation" if "validation" in splits else "train"
                    log.sync()
                    checkpoints.save(done, state, score=scores.get(chooser))
                if job.is_due(done, 1):
                    losses = []
            best = checkpoints.best_step
            distributed.on_first(
                lambda: finish(job, folder, log, best_step=best(), since=begun.since)
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
    is_quiet: bool,
) -> _Begun | None:
    """Takes the folder, restores the state and places the data; None: the run has already ended."""
    distributed.on_first(lambda: workdir.make_folder(folder))
    job = distributed.together(lambda: prepare(config))
    distributed.together(lambda: distributed.check_equal("data set", job.dataset.digest))

    record = job.record()
    checkpoints = Checkpoints(
        folder / "checkpoints",
        config_digest=workdir.fixed_digest(record),
        is_writer=distributed.is_first(),
    )
    distributed.together(lambda: stack.enter_context(checkpoints))
    hold = distributed.on_first(
        lambda: workdir.hold(folder, record, adjust_schedule=adjust_schedule)
    )

    state = _restore(job, checkpoints, hold.old_digest if hold else None)
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


def _open_log(
    job: Job, folder: Path, start: int, is_quiet: bool, log_to: Sequence[loggers.Name]
) -> Log:
    about = About(folder, flatten(job.config.to_dict()), repr(job.config.schedule))
    return Log(
        folder,
        total_steps=job.total_steps,
        steps_per_epoch=job.steps_per_epoch,
        batch_size=job.config.batch_size,
        start_step=start,
        is_writer=distributed.is_first(),
        is_quiet=is_quiet,
        about=about,
        loggers=follow(log_to, job, about, start) if distributed.is_first() else (),
    )


def _restore(job: Job, checkpoints: Checkpoints, old_digest: str | None) -> TrainState:
    """Returns the newest checkpoint's state, else a new one: on the host, the same everywhere."""
    shapes = jax.eval_shape(job.create_state)
    restored = distributed.on_first(lambda: checkpoints.restore(shapes, old_digest))
    state: TrainState
    if distributed.from_first(np.bool_(restored is not None)):
        empty = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
        state = distributed.from_first(empty if restored is None else restored[1])
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
        line["loss"] for line in lines if line["kind"] == "train" and first < line["step"] <= start
    ]


def records(job: Job, steps: range, metrics: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Returns a line for each update. `step` counts the updates up to it, `epoch` the epochs.

    Args:
      job: the run.
      steps: the steps that were made.
      metrics: of these steps, [steps] each.
    """
    names = [name for name in metrics if name != "halted"]
    return [
        {
            "step": step + 1,
            "epoch": (step + 1) / job.steps_per_epoch,
            **{name: float(metrics[name][place]) for name in names},
        }
        for place, step in enumerate(steps)
    ]

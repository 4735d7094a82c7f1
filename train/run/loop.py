"""The loop of a run: restore, step, log, evaluate, save."""

import contextlib
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from train import loggers
from train.changes import Choice
from train.config import Config, flatten
from train.engine import guard
from train.engine.state import TrainState
from train.errors import Halted, Interrupted
from train.folder.about import About
from train.folder.log import Log, read_metrics
from train.run import distributed
from train.run.bad_steps import halt_of, note
from train.run.begin import Asked, Begun, begin
from train.run.followed import follow
from train.run.interrupt import Interrupts
from train.run.job import Job
from train.run.records import LOST, lacks_last_test
from train.run.summary import finish
from train.tasks.task import DeviceData

_OF_THE_GUARD = {"halted", "skipped", "bad_leaf", *guard.CAUSES}


def run(
    config: Config,
    folder: Path,
    *,
    adjust_schedule: bool = False,
    extend: Choice | None = None,
    from_step: int | None = None,
    is_quiet: bool = False,
    log_to: Sequence[loggers.Name] = (),
) -> None:
    """Trains from the start, or from where an earlier start of the same run was interrupted.

    Args:
      config: the run's configuration.
      folder: the run's folder.
      adjust_schedule: go on with another schedule than the run began with.
      extend: go on to more epochs than the run had, and what the rate follows then.
      from_step: the step of the checkpoint to go on from; None: the newest.
      is_quiet: print no lines. A terminal still shows the bar.
      log_to: the loggers that get the numbers beside the folder.

    Raises:
      UserError: the configuration, the data, the folder or a logger cannot be used.
      Halted: a step went wrong; the state before it is saved.
      Interrupted: a signal came; the state is saved.
    """
    distributed.on_first(lambda: loggers.check(log_to))
    # A study has more to do than this run, and other processes would wait for this one.
    is_alone = not is_quiet and jax.process_count() == 1
    with Interrupts(is_alone=is_alone) as interrupts, contextlib.ExitStack() as stack:
        begun = begin(config, folder, stack, Asked(adjust_schedule, extend, is_quiet, from_step))
        if begun is None:
            return
        job, checkpoints, state, splits = begun.job, begun.checkpoints, begun.state, begun.splits
        losses = _losses_of_epoch(job, folder, begun.start)
        with _open_log(job, folder, begun.start, is_quiet, log_to) as log:
            save = functools.partial(_save, begun, folder, log)
            for steps in job.chunks(begun.start):
                if signal := interrupts.received():
                    log.sync()
                    save(steps.start, state, wait=True)
                    raise Interrupted(f"{signal} came; step {steps.start} is saved.")

                state, metrics = job.engine.train(state, splits["train"], job.indices(steps))
                interrupts.begun()
                done = steps.start + int((~metrics["halted"]).sum())
                log.train_lines(records(job, range(steps.start, done), metrics))
                if distributed.is_first():
                    log.lines(note(job, folder, steps, metrics))
                if reason := halt_of(job, metrics):
                    log.sync()
                    save(done, state, wait=True)
                    raise Halted(done, reason)

                losses += metrics["loss"][~metrics["skipped"]].tolist()
                scores = {"train": -float(np.mean(losses))} if losses else {}
                if job.is_due(done, config.eval_epochs):
                    scores |= _evaluate(job, state, splits, log, done)
                if job.is_due(done, config.checkpoint_epochs):
                    chooser = "validation" if "validation" in splits else "train"
                    log.sync()
                    save(done, state, score=scores.get(chooser))
                if job.is_due(done, 1):
                    losses = []
            is_lacking = distributed.on_first(lambda: lacks_last_test(folder, job.total_steps))
            if distributed.from_first(np.bool_(is_lacking)):
                _evaluate(job, state, splits, log, job.total_steps)
            best = checkpoints.best_step
            distributed.on_first(
                lambda: finish(job, folder, log, state, best_step=best(), since=begun.since)
            )
        # Of a study, the next run must not begin.
        if is_quiet and (signal := interrupts.received()):
            raise Interrupted(f"{signal} came; {folder} is done.")


def _save(begun: Begun, folder: Path, log: Log, step: int, state: TrainState, **how: Any) -> None:
    """Saves a checkpoint, with what its manifest says of the run."""
    begun.checkpoints.save(step, state, about=begun.manifest(folder, log, step), **how)


def _evaluate(
    job: Job, state: TrainState, splits: Mapping[str, DeviceData], log: Log, step: int
) -> dict[str, float]:
    """Evaluates and logs the validation and test splits, and returns how good they are."""
    chosen_by, scores = job.task.measures[0], {}
    for name in ("validation", "test"):
        if name in splits:
            measured = job.evaluate(state, splits[name], name)
            log.eval_line(step, name, measured)
            scores[name] = chosen_by.better * measured[chosen_by.name]
    return scores


def _open_log(
    job: Job, folder: Path, start: int, is_quiet: bool, log_to: Sequence[loggers.Name]
) -> Log:
    measures = tuple(each.name for each in job.task.measures)
    about = About(folder, flatten(job.config.to_dict()), repr(job.config.schedule), measures)
    return Log(
        folder,
        total_steps=job.total_steps,
        steps_per_epoch=job.steps_per_epoch,
        batch_size=job.config.batch_size,
        noun=job.task.noun,
        measures={each.name: each.unit for each in job.task.measures},
        start_step=start,
        is_writer=distributed.is_first(),
        is_quiet=is_quiet,
        about=about,
        loggers=follow(log_to, job, about, start) if distributed.is_first() else (),
    )


def _losses_of_epoch(job: Job, folder: Path, start: int) -> list[float]:
    """Returns the losses that an earlier start logged in the epoch that `start` lies in."""
    if not distributed.is_first() or start % job.steps_per_epoch == 0:
        return []
    first = start - start % job.steps_per_epoch
    lines = read_metrics(folder / "metrics.jsonl")
    return [
        line["loss"]
        for line in lines
        if line["kind"] == "train"
        and first < line["step"] <= start
        and not line.keys() & {"skipped", LOST}
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

"""Ends a run: writes summary.json and the pictures, and prints the table."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from train.engine.state import TrainState
from train.errors import UserError
from train.folder import ending, tensorboard
from train.folder.files import set_aside, write_atomically
from train.folder.log import EVENTS, Log, read_metrics
from train.folder.origin import origin, today
from train.folder.workdir import settings_sha256
from train.run import sizes
from train.run.job import Job
from train.run.pictures import curves_picture, schedule_picture
from train.tasks.task import Result, Task

_WAY_OUT = "Put back a copy of it, or move the folder away and start again."
_PICTURES = ("schedule.png", "curves.png")


def finish(
    job: Job, folder: Path, log: Log, state: TrainState, *, best_step: int | None, since: int
) -> None:
    """Writes `summary.json`, the pictures and the task's own files, and prints the table.

    `summary.json` is written last: if it is there, the run is done. TensorBoard and the loggers get
    it after that.

    Args:
      job: the run.
      folder: the run's folder.
      log: the run's log, which prints on the terminal.
      state: the last one, on the devices.
      best_step: the step of the best checkpoint.
      since: the step at which the schedule replaced another one; 0: it is the first.

    Raises:
      UserError: lines are missing in the records.
    """
    records = read_metrics(folder / "metrics.jsonl")
    result = _result(job, state)
    baselines = {"baselines": dict(result.baselines)} if result.baselines else {}
    summary = summarise(job, records, best_step) | baselines
    spe = job.steps_per_epoch
    schedule = _as_used(records) if since else job.schedule
    restarts = [step for step in job.restarts() if step >= since]

    schedule_picture(folder / "schedule.png", schedule, job.total_steps, spe)
    curves_picture(
        folder / "curves.png",
        records,
        measures={each.name: each.unit for each in job.task.measures},
        restarts=restarts,
        steps_per_epoch=spe,
    )
    for name, content in result.files.items():
        write_atomically(folder / name, content)
    write_atomically(folder / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    files = [*_PICTURES, *result.files]
    pictures = [folder / name for name in files if name.endswith(".png")]
    log.end(job.total_steps, summary, pictures)
    of_test = [f"test_{each.name}" for each in job.task.measures]
    shown = ("model", "parameters", "epochs", "steps", *of_test, "test_loss")
    table = {name: summary[name] for name in (*shown, "train_loss", "seconds")}
    first = job.task.measures[0]
    for name, value in result.baselines.items():
        table[name] = f"{first.text(value)} {first.noun}"
    log.table(
        {
            **table,
            "pictures": ", ".join(str(folder / name) for name in files),
            "curves": tensorboard.command(folder / EVENTS),
        }
    )


def _result(job: Job, state: TrainState) -> Result:
    """Returns what the task leaves, by the trained network on one device."""
    params, stats = jax.device_get((state.params, state.batch_stats))
    compiled = jax.jit(job.program.learner.predict)
    return job.task.result(job.config, job.data, lambda inputs: compiled(params, stats, inputs))


def is_done(
    folder: Path, step: int, total_steps: int, task: Task, *, is_quiet: bool = False
) -> bool:
    """Tells whether the run has already ended, and prints so.

    A summary that does not tell of a whole run is set aside, with the pictures: it cannot be read,
    its records lack lines, or the run has steps left, because its checkpoints are gone or it was
    lengthened.

    Args:
      folder: the run's folder.
      step: the step of the restored state.
      total_steps: the number of steps of the run.
      task: of the run.
      is_quiet: print nothing.
    """
    path = folder / "summary.json"
    if not path.exists():
        return False
    if step < total_steps or not ending.has_ended(folder):
        for name in ("summary.json", *_PICTURES, *task.files):
            if (folder / name).exists():
                set_aside(folder / name, folder / "set_aside")
        return False
    if is_quiet:
        return True
    first = task.measures[0]
    measured = first.text(ending.read(path)[f"test_{first.name}"])
    print(
        f"This run is done: {step} steps, {measured} {first.noun}; see {path}. "
        "For another, choose another --workdir; to go on, give more --epochs with --extend."
    )
    return True


def check_records(folder: Path, step: int) -> None:
    """Refuses records that lack lines, before a step is made and not after the last one.

    Args:
      folder: the run's folder.
      step: the step of the restored state. Of each step up to it there must be a line.

    Raises:
      UserError: lines are missing in the records.
    """
    path = folder / "metrics.jsonl"
    lines = read_metrics(path) if path.exists() else []
    found = sum(line["kind"] == "train" and line["step"] <= step for line in lines)
    if found != step:
        raise UserError(
            f"metrics.jsonl must have a line for each of the {step} steps that are made, got "
            f"{found} in {folder}. {_WAY_OUT}"
        )


def summarise(
    job: Job, records: Sequence[Mapping[str, Any]], best_step: int | None
) -> dict[str, Any]:
    """Returns the summary of a run, computed from its records.

    Losses are in nats. `train_*` are means over the steps of the last epoch that were made.
    `best_*` are those of the test split at the best step, which the validation split chose, or
    without one the training loss. `seconds` is the sum over all starts of the run, with evaluation
    and compilation.

    Args:
      job: the run.
      records: the lines of `metrics.jsonl`.
      best_step: the step of the best checkpoint.

    Raises:
      UserError: lines are missing in the records.
    """
    train = [line for line in records if line["kind"] == "train"]
    last_epoch = [line for line in train[-job.steps_per_epoch :] if "skipped" not in line]
    skipped = sum("skipped" in line for line in train)
    tests = {line["step"]: line for line in records if line.get("split") == "test"}
    if len(train) != job.total_steps or job.total_steps not in tests:
        raise UserError(
            f"metrics.jsonl must have a line for each of {job.total_steps} steps and an evaluation "
            f"of the last, and has {len(train)} and {len(tests)}. {_WAY_OUT}"
        )

    last, best = tests[job.total_steps], tests.get(best_step, {})
    names = [each.name for each in job.task.measures]
    in_training = [name for name in names if name in train[-1]]
    return {
        "model": job.task.network(job.config),
        "parameters": sizes.parameters(job),
        "dataset": job.data.name,
        "epochs": job.config.epochs,
        "steps": job.total_steps,
        **{f"test_{name}": last[name] for name in names},
        "test_loss": last["loss"],
        "best_step": best_step,
        **{f"best_test_{name}": best.get(name) for name in names},
        **{f"train_{name}": _mean(last_epoch, name) for name in in_training},
        "train_loss": _mean(last_epoch, "loss"),
        **({"skipped_steps": skipped} if skipped else {}),
        "seconds": round(records[-1]["seconds"], 1),
        "date": today().isoformat(),
        **origin(),
        "config_sha256": settings_sha256(job.config),
    }


def _as_used(records: Sequence[Mapping[str, Any]]) -> Callable[[jax.Array], jax.Array]:
    rates = jnp.asarray([line["learning_rate"] for line in records if line["kind"] == "train"])
    return lambda step: rates[step]


def _mean(lines: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return sum(line[name] for line in lines) / len(lines) if lines else None

"""Ends a run: writes summary.json and the pictures, and prints the table."""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from train.engine.state import TrainState
from train.folder import ending, sealed, tensorboard
from train.folder.files import set_aside, write_atomically, write_json
from train.folder.log import EVENTS, Log, column
from train.folder.origin import origin, today
from train.folder.workdir import settings_sha256
from train.run import sizes
from train.run.job import Job
from train.run.pictures import curves_picture, schedule_picture
from train.run.records import LOST, fill, lacks_last_test
from train.tasks.task import Result, Task

_PICTURES = ("schedule.png", "curves.png")
_NOT_MADE = {"skipped", LOST}


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
    """
    records = fill(job, folder, None if since else job.rates)
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
    files = [*_PICTURES, *result.files]
    summary |= {"pictures": {name: _sha256(folder / name) for name in files}}
    write_json(folder / "summary.json", sealed.sealed(summary))
    log.end(job.total_steps, summary, [folder / name for name in files if name.endswith(".png")])
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

    A summary that does not tell of a whole run is set aside, with the pictures: it or a picture is
    damaged, its records lack lines, or the run has steps left, because its checkpoints are gone or
    it was lengthened.

    Args:
      folder: the run's folder.
      step: the step of the restored state.
      total_steps: the number of steps of the run.
      task: of the run.
      is_quiet: print nothing but damage.
    """
    path = folder / "summary.json"
    if not path.exists():
        return False
    damage = _damage(folder)
    if damage:
        print(f"warning: {damage}; summary and pictures are made anew", file=sys.stderr)
    if (
        damage
        or step < total_steps
        or not ending.has_ended(folder)
        or lacks_last_test(folder, total_steps)
    ):
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


def _damage(folder: Path) -> str:
    """Says which of the files that a run's end left is not as it was written; empty if none."""
    path = folder / "summary.json"
    try:
        summary = sealed.read(path, may_be_old=True)
    except sealed.Damaged as damage:
        return f"{path} is not as it was written ({damage})"
    for name, sha256 in summary.get("pictures", {}).items():
        if not (folder / name).exists() or _sha256(folder / name) != sha256:
            return f"{folder / name} is not as it was drawn"
    return ""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
      records: the lines of `metrics.jsonl`: one for each step, and the test of the last.
      best_step: the step of the best checkpoint.
    """
    train = [line for line in records if line["kind"] == "train"]
    last_epoch = [line for line in train[-job.steps_per_epoch :] if not line.keys() & _NOT_MADE]
    skipped, lost = (sum(name in line for line in train) for name in ("skipped", LOST))
    tests = {line["step"]: line for line in records if line.get("split") == "test"}
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
        **({"lost_lines": lost} if lost else {}),
        "seconds": round(records[-1]["seconds"], 1),
        "date": today().isoformat(),
        **origin(),
        "config_sha256": settings_sha256(job.config),
    }


def _as_used(records: Sequence[Mapping[str, Any]]) -> Callable[[jax.Array], jax.Array]:
    train = [line for line in records if line["kind"] == "train"]
    rates = jnp.asarray(column(train, "learning_rate"), jnp.float32)
    return lambda step: rates[step]


def _mean(lines: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return sum(line[name] for line in lines) / len(lines) if lines else None

"""Steps that went wrong: why, of which images, and what became of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from train.engine import guard
from train.engine.reason import why
from train.errors import Reason
from train.folder.files import set_aside, write_atomically
from train.folder.log import read_metrics, strict
from train.run.job import Job

FILE = "bad_steps.jsonl"
Metrics = Mapping[str, np.ndarray]


def halt_of(job: Job, metrics: Metrics) -> Reason | None:
    """Returns why the guard halted the run in a chunk; None if it did not.

    Args:
      job: the run.
      metrics: of the chunk's steps, [steps] each.
    """
    if not metrics["halted"].any():
        return None
    reason = _reason(job, metrics, int(metrics["halted"].argmax()))
    if job.config.halt.action != "skip":
        return reason
    limit = job.config.halt.skip_limit
    words = f"{reason.words}, and the {limit} before it were skipped, as many as `halt.skip_limit`"
    return Reason(words, reason.is_threshold)


def note(job: Job, folder: Path, steps: range, metrics: Metrics) -> list[str]:
    """Writes down the steps of a chunk that were not made, and returns a line for each skipped one.

    `bad_steps.jsonl` gets a line for each: its step, as `metrics.jsonl` counts it, what became of
    it, why, and the images (or other examples) of its batch, which are places in the training
    split, counted from 0.

    Args:
      job: the run.
      folder: the run's folder.
      steps: the steps of the chunk.
      metrics: of these steps, [steps] each.
    """
    bad = np.flatnonzero(metrics["skipped"]).tolist()
    if metrics["halted"].any():
        bad.append(int(metrics["halted"].argmax()))
    if not bad:
        return []
    records: list[dict[str, Any]] = [
        {
            "step": steps[place] + 1,
            "action": "halted" if metrics["halted"][place] else "skipped",
            "why": _reason(job, metrics, place).words,
            "loss": strict(metrics["loss"][place]),
            job.task.noun: job.indices(steps[place : place + 1])[0].tolist(),
        }
        for place in bad
    ]
    path = folder / FILE
    _write(path, [*_read(path), *records])
    return [
        f"step {record['step']} was skipped: {record['why']}"
        for record in records
        if record["action"] == "skipped"
    ]


def cut(folder: Path, start: int) -> None:
    """Drops the lines of steps that will be made anew, as the log does with its own.

    Args:
      folder: the run's folder.
      start: the number of updates that were made before. With 0, the file moves to `set_aside`.
    """
    path = folder / FILE
    lines = _read(path)
    if lines and start == 0:
        set_aside(path, folder / "set_aside")
    elif kept := [line for line in lines if line["step"] <= start]:
        _write(path, kept)
    else:
        path.unlink(missing_ok=True)


def _read(path: Path) -> list[dict[str, Any]]:
    return read_metrics(path) if path.exists() else []


def _write(path: Path, lines: list[dict[str, Any]]) -> None:
    write_atomically(path, "".join(json.dumps(line) + "\n" for line in lines).encode())


def _reason(job: Job, metrics: Metrics, place: int) -> Reason:
    return why(
        metrics,
        place,
        threshold=job.threshold,
        guess=job.data.guess,
        leaf_names=_leaf_names(job),
    )


def _leaf_names(job: Job) -> list[str]:
    return guard.leaf_names(jax.eval_shape(job.create_state))

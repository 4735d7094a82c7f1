"""Steps that went wrong: why, of which images, and what became of them."""

import shutil
import sys
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
from train.folder.log_check import check, extent
from train.folder.sealed import line
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
    split, counted from 0. Where each came from a file of its own, it has the files too, by their
    paths in the folder.

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
            **_examples(job, steps[place]),
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


def _examples(job: Job, step: int) -> dict[str, list[Any]]:
    """Returns the examples in the batch of a step, and their files if there are any."""
    examples = job.indices(range(step, step + 1))[0].tolist()
    files = job.data.files
    named = {"files": [files[each] for each in examples]} if files else {}
    return {job.task.noun: examples, **named}


def cut(folder: Path, start: int, manifest: Mapping[str, Any]) -> None:
    """Drops the lines of steps that will be made anew, as the log does with its own.

    Lines that are damaged are dropped, too, which a line on stderr says.

    Args:
      folder: the run's folder.
      start: the number of updates that were made before. With 0, the file moves to `set_aside`.
      manifest: of the checkpoint that the run goes on from; empty if there is none.
    """
    path = folder / FILE
    if start == 0:
        if path.exists():
            set_aside(path, folder / "set_aside")
        return
    expected = manifest.get("logs", {}).get(FILE)
    log = check(path, start, expected, has_every_step=False)
    if log.faults:
        if path.exists():
            copy = path.with_name(f"{path.stem}.damaged{path.suffix}")
            shutil.copy2(path, copy)
            set_aside(copy, folder / "set_aside")
        what = "it is mended" if log.is_whole else "what cannot be restored is left out"
        print(f"warning: {path}: {log.says()}; {what}", file=sys.stderr)
    if not log.lines:
        path.unlink(missing_ok=True)
    elif path.read_bytes() != log.content:
        write_atomically(path, log.content)


def extent_until(folder: Path, step: int) -> dict[str, Any]:
    """Returns what a manifest says of the lines up to a step."""
    lines = _read(folder / FILE)
    return extent("".join(line(each) for each in lines if each["step"] <= step).encode())


def _read(path: Path) -> list[dict[str, Any]]:
    return read_metrics(path) if path.exists() else []


def _write(path: Path, lines: list[dict[str, Any]]) -> None:
    write_atomically(path, "".join(map(line, lines)).encode())


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

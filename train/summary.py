"""The end of a run: summary.json, the pictures and the table."""

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax

from train.files import write_atomically
from train.job import Job
from train.log import Log, read_metrics
from train.manifest import versions
from train.models import num_params
from train.pictures import curves_picture, schedule_picture

_PICTURES = ("schedule.png", "curves.png")


def finish(job: Job, folder: Path, log: Log) -> None:
    """Writes `summary.json` and the pictures from the run's records, and prints the table.

    `summary.json` comes last: where it is, the run is done.
    """
    records = read_metrics(folder / "metrics.jsonl")
    spe = job.steps_per_epoch
    schedule_picture(folder / "schedule.png", job.schedule, job.total_steps, spe)
    curves_picture(folder / "curves.png", records, restarts=job.restarts(), steps_per_epoch=spe)
    summary = summarise(job, records)
    write_atomically(folder / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    shown = ("model", "parameters", "epochs", "steps", "test_accuracy", "test_loss")
    table = {name: summary[name] for name in (*shown, "train_loss", "seconds")}
    log.table({**table, "pictures": ", ".join(str(folder / name) for name in _PICTURES)})


def is_done(folder: Path, step: int, total_steps: int) -> bool:
    """Whether the run has ended before; if so, says it."""
    path = folder / "summary.json"
    if step < total_steps or not path.exists():
        return False
    accuracy = json.loads(path.read_bytes())["test_accuracy"]
    print(
        f"This run is done: {step} steps, {accuracy:.2%} test accuracy; see {path}. "
        "For another, choose another --workdir."
    )
    return True


def summarise(job: Job, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a run came to, from its records.

    Losses are in nats; `train_*` are means over the last epoch's batches; `seconds` is the sum
    over all starts of the run, evaluation and compilation included.
    """
    train = [line for line in records if line["kind"] == "train"]
    last_epoch = train[-job.steps_per_epoch :]
    tests = [line for line in records if line.get("split") == "test"]
    clock = [line["seconds"] for line in records]
    starts = [before for before, after in pairwise(clock) if after < before]
    device = jax.devices()[0]
    return {
        "model": job.config.model.name,
        "parameters": num_params(jax.eval_shape(job.create_state).params),
        "dataset": job.dataset.name,
        "epochs": job.config.epochs,
        "steps": job.total_steps,
        "test_accuracy": tests[-1]["accuracy"],
        "test_loss": tests[-1]["loss"],
        "train_accuracy": _mean(last_epoch, "accuracy"),
        "train_loss": _mean(last_epoch, "loss"),
        "seconds": round(sum(starts) + clock[-1], 1),
        "device": f"{jax.device_count()} x {device.device_kind}, {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
        "versions": versions(),
    }


def _mean(lines: Sequence[Mapping[str, Any]], name: str) -> float:
    return sum(line[name] for line in lines) / len(lines)

"""A study's folder in the trainer's own formats, its numbers made up."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import small

import log_anneal as la
from train.report.numbers.reading import load
from train.report.numbers.records import Results
from train.report.pages.page import Table

CYCLE: dict[str, Any] = {
    "peak_value": 0.1,
    "end_value": 1e-3,
    "init_value": 1e-3,
    "warmup_steps": 1,
    "decay_steps": 3,
    "restart_steps": 4,
}
SCHEDULES: Mapping[str, la.Schedule] = {
    "log": la.cyclical_log_schedule(**CYCLE),
    "cosine": la.cyclical_cosine_schedule(**CYCLE),
    "none": la.constant_schedule(0.02),
}
TWO = {name: SCHEDULES[name] for name in ("log", "cosine")}
GAIN = {"log": 1.5, "cosine": 0.5, "none": -2.0}
"""Points of test accuracy."""


def write_study(
    folder: Path,
    *,
    schedules: Mapping[str, la.Schedule] = SCHEDULES,
    networks: Sequence[str] = ("resnet",),
    seeds: Sequence[int] = (0, 1, 2),
    epochs: int = 12,
    steps_per_epoch: int = 20,
    gain: Mapping[str, float] = GAIN,
    **record: Any,
) -> Path:
    """Runs of all schedules, networks and seeds, all ended; `record` overrides `study.json`."""
    runs = []
    for (name, schedule), network, seed in itertools.product(schedules.items(), networks, seeds):
        labels = {"schedule": name, "network": network}
        run = f"{name}-{network}-seed{seed}"
        write_run(
            folder / run, schedule, seed=seed, gain=gain.get(name, 0.0) - networks.index(network),
            epochs=epochs, steps_per_epoch=steps_per_epoch,
        )  # fmt: skip
        runs.append({"folder": run, "labels": labels, "seed": seed})
    study = {
        "name": "synthetic",
        "title": "A study that was made up",
        "description": "Nothing was trained.",
        "size": "full",
        "commit": "0123abc",
        "date": "2026-11-22",
        "baseline": {"schedule": "cosine"},
        "axes": {"schedule": list(schedules), "network": list(networks)},
        "seeds": list(seeds),
        "claims": [],
        "runs": runs,
    }
    write_json(folder / "study.json", {**study, **record})
    return folder


def write_run(
    folder: Path,
    schedule: la.Schedule,
    *,
    seed: int,
    gain: float = 0.0,
    epochs: int = 12,
    steps_per_epoch: int = 20,
    **config: Any,
) -> None:
    """A run's config.json, metrics.jsonl and summary.json."""
    folder.mkdir(parents=True)
    settings = small.config(schedule=schedule, epochs=epochs, seed=seed, **config)
    write_json(folder / "config.json", {**settings.to_dict(), "data_sha256": "ab" * 32})
    random = np.random.default_rng([seed, *repr(schedule).encode()])
    shift = np.random.default_rng(seed).normal(0, 0.4)  # what its runs share
    total = epochs * steps_per_epoch
    stretched = schedule.stretch(steps_per_epoch)
    rates = np.broadcast_to(stretched.at(np.arange(total)), total)
    lines: list[dict[str, Any]] = []
    for step in range(1, total + 1):
        epoch, rate = step / steps_per_epoch, float(rates[step - 1])
        loss = 0.5 + 1.8 * np.exp(-epoch / 3) + 8 * rate + 0.05 * random.normal()
        clock = {"seconds": round(0.1 * step, 3), "images_per_second": 640.0}
        train = {"loss": loss, "accuracy": 1 - loss / 3, "grad_norm": 1.0, "update_norm": rate}
        head = {"kind": "train", "step": step, "epoch": epoch}
        lines.append({**head, **train, "learning_rate": rate, **clock})
        if step % steps_per_epoch == 0:
            accuracy = 0.9 - 0.5 * np.exp(-epoch / 3) - 2 * rate
            accuracy += (gain + shift + 0.1 * random.normal()) / 100
            head = {"kind": "eval", "split": "test", "step": step, "epoch": epoch}
            lines.append({**head, "loss": 1.5 - accuracy, "accuracy": accuracy, "seconds": 1.0})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text)
    summary = {
        "model": "resnet_small",
        "parameters": 12345,
        "dataset": "digits",
        "epochs": epochs,
        "steps": total,
        "test_accuracy": lines[-1]["accuracy"],
        "test_loss": lines[-1]["loss"],
        "best_step": total,
        "best_test_accuracy": lines[-1]["accuracy"],
        "train_loss": 0.5,
        "seconds": 0.1 * total,
        "device": "1 x cpu, x86_64",
        "versions": {"python": "3.11", "jax": "0.10.2"},
    }
    write_json(folder / "summary.json", summary)


def cut(folder: Path, lines: int, reason: str | None = None) -> None:
    """Takes back the end of a run; with a reason it was halted there."""
    path = folder / "metrics.jsonl"
    kept = path.read_text().splitlines(keepends=True)[:lines]
    path.write_text("".join(kept))
    (folder / "summary.json").unlink()
    if reason:
        step = sum('"train"' in line for line in kept)
        write_json(folder / "halted.json", {"step": step, "reason": reason})


def change(folder: Path, **fields: Any) -> None:
    """Other fields of `study.json`."""
    record = json.loads((folder / "study.json").read_text())
    write_json(folder / "study.json", {**record, **fields})


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """As the trainer does."""
    path.write_text(json.dumps(record, indent=2) + "\n")


def study_of(folder: Path, **how: Any) -> Results:
    """As `write_study`, read."""
    return load(write_study(folder, **how))


def table(blocks: Any, caption: str) -> list[dict[str, str]]:
    """The rows of a table by their headers."""
    every = [blocks] if isinstance(blocks, Table) else blocks
    found = next(b for b in every if isinstance(b, Table) and b.caption.startswith(caption))
    return [dict(zip(found.headers, row, strict=True)) for row in found.rows]

"""A run of sixteen steps that takes a fraction of a second, and what it left, to be compared."""

import contextlib
import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import jax
from flax import nnx

import log_anneal as la
from train.augment import Augment
from train.changes import changed
from train.config import Config
from train.errors import Interrupted
from train.folder import ending, steps
from train.folder.log import read_metrics
from train.halt import Halt
from train.models import ModelConfig
from train.run import loop, summary

STEPS = 16
_CLOCK = {"seconds", "images_per_second"}


class Net(nnx.Module):
    """The mean colours of sixteen places, normalized, and one layer of weights."""

    def __init__(self, num_classes: int, rngs: nnx.Rngs) -> None:
        self.norm = nnx.BatchNorm(48, rngs=rngs)
        self.head = nnx.Linear(48, num_classes, rngs=rngs)

    def __call__(self, images: jax.Array) -> jax.Array:
        places = images.reshape(-1, 4, 8, 4, 8, 3).mean((2, 4))
        return self.head(self.norm(places.reshape(len(images), -1)))


def config(**changes: Any) -> Config:
    """Four epochs of four steps, with a checkpoint and a test after each. Three are skipped."""
    tiny = Config(
        schedule=la.cyclical_cosine_schedule(peak_value=0.05, end_value=0.001, decay_steps=2),
        dataset="digits",
        augment=Augment(flip=False, crop_padding=2),
        model=ModelConfig(builder=Net),
        num_train_images=128,
        num_test_images=60,
        batch_size=32,
        eval_batch_size=60,
        chunk_steps=2,
        epochs=STEPS // 4,
        halt=Halt(threshold=2.1, grace_epochs=1, action="skip"),
    )
    return changed(tiny, changes) if changes else tiny


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Leaves out what takes most of a short run's time, its pictures' pixels, but not the files."""

    def draw(path: Path, *_: object, **__: object) -> None:
        path.write_bytes(f"the pixels of {path.name}".encode())

    with (
        mock.patch.object(summary, "schedule_picture", draw),
        mock.patch.object(summary, "curves_picture", draw),
    ):
        yield


def run(folder: Path, given: Config | None = None, *, until: int | None = None, **how: Any) -> str:
    """Starts a run, or goes on with it, and returns what it said on stderr.

    Args:
      folder: of the run.
      given: its configuration; None: `config()`.
      until: the step at which a signal comes; None: none comes.
      **how: what else `loop.run` is given.
    """
    given = given or config()
    said = io.StringIO()
    started = loop.Job.chunks

    def chunks(job: Any, start: int) -> Iterator[range]:
        for each in started(job, start):
            at[0] = each.start
            yield each

    at = [0]

    def received(_: object) -> str | None:
        return "SIGTERM" if until is not None and at[0] >= until else None

    with (
        quick(),
        contextlib.redirect_stderr(said),
        mock.patch.object(loop.Job, "chunks", chunks),
        mock.patch.object(loop.Interrupts, "received", received),
        contextlib.suppress(Interrupted),
    ):
        loop.run(given, folder, is_quiet=True, **how)
    return said.getvalue()


@dataclasses.dataclass(frozen=True)
class Left:
    """What a run left that another one can be compared with."""

    step: int
    """The step of the newest checkpoint."""
    leaves: dict[str, str]
    """The digests of its arrays, by their paths."""
    lines: list[dict[str, Any]]
    """The lines of the log, without the clock."""
    summary: dict[str, Any]
    """The summary of a run that has ended, without the clock; else empty."""


def left(folder: Path) -> Left:
    """Returns what a run left."""
    step = max(steps.known(folder / "checkpoints"))
    manifest = json.loads((folder / f"checkpoints/{step}/manifest/metadata").read_bytes())
    lines = [
        {name: value for name, value in line.items() if name not in _CLOCK}
        for line in read_metrics(folder / "metrics.jsonl")
    ]
    summary = ending.read(folder / "summary.json")
    return Left(
        step,
        {name: leaf["sha256"] for name, leaf in manifest["leaves"].items()},
        lines,
        {name: value for name, value in summary.items() if name not in _CLOCK},
    )


def files(folder: Path) -> list[Path]:
    """Returns all files of a folder, in an order that does not change."""
    return sorted(path for path in folder.rglob("*") if path.is_file())

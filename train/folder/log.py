"""The records of a run: JSON lines, TensorBoard events, and the terminal."""

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TextIO

from train.folder.files import set_aside, write_atomically
from train.folder.terminal import Terminal


class Log:
    """The records of one run; a context manager.

    `metrics.jsonl` holds one strict JSON object a line, in which a number that is not finite is
    null. Lines of kind "train" have the fields of the caller's records, lines of kind "eval" a
    `split` and its metrics. `step` counts the updates done. `seconds`, of all starts together, and
    `images_per_second`, without evaluations, are the only fields that depend on the clock.
    TensorBoard gets the last record of each chunk, as an event takes 0.1 ms.

    Args:
        workdir: the run's folder, which exists.
        total_steps: number of updates of the whole run.
        steps_per_epoch: number of updates of an epoch.
        batch_size: number of images of an update, over all devices.
        start_step: number of updates done before. Lines of later ones, whose updates were lost,
            are dropped, and so is a torn line. At 0 an older file is moved to `set_aside`.
        is_writer: false writes and prints nothing.
        is_quiet: the terminal shows the bar alone.
    """

    def __init__(
        self,
        workdir: Path,
        *,
        total_steps: int,
        steps_per_epoch: int,
        batch_size: int,
        start_step: int = 0,
        is_writer: bool = True,
        is_quiet: bool = False,
    ) -> None:
        self._workdir = workdir
        self._steps_per_epoch = steps_per_epoch
        self._batch_size = batch_size
        self._step = start_step
        self._is_writer = is_writer
        self._terminal = Terminal(
            total_steps=total_steps,
            steps_per_epoch=steps_per_epoch,
            start_step=start_step,
            is_quiet=is_quiet,
        )

    def __enter__(self) -> Self:
        """Opens the files; on a terminal, shows the bar."""
        self._opened = self._resumed = time.perf_counter()
        if self._is_writer:
            from tensorboardX import SummaryWriter  # takes 0.3 s, which only a writer needs

            path = self._workdir / "metrics.jsonl"
            self._opened -= _drop_after(path, self._step)
            self._file: TextIO = path.open("a", encoding="utf-8")
            self._events = SummaryWriter(
                str(self._workdir / "tensorboard"),
                purge_step=self._step + 1,
                filename_suffix=f".{self._step}",  # the name alone has only the second
            )
            self._terminal.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Removes the bar and closes the files."""
        if self._is_writer:
            self._terminal.stop()
            self._events.close()
            self._file.close()

    def train_lines(self, records: Sequence[Mapping[str, float]]) -> None:
        """Writes the records of a chunk of updates, a line each, and moves the bar.

        Args:
            records: a mapping for each update in turn, with `step` and `epoch`, and `loss`,
                `accuracy` (0 to 1), `learning_rate` and whatever else there is.
        """
        if not self._is_writer or not records:
            return
        now = time.perf_counter()
        step = int(records[-1]["step"])
        speed = (step - self._step) * self._batch_size / (now - self._resumed)
        self._step, self._resumed = step, now
        clock = {"seconds": round(now - self._opened, 3), "images_per_second": round(speed, 1)}
        self._write([{"kind": "train", **record, **clock} for record in records])
        self._add_events("train", step, records[-1])
        self._terminal.train(records, speed)

    def eval_line(self, step: int, split: str, metrics: Mapping[str, float]) -> None:
        """Writes and prints an evaluation.

        Args:
            step: number of updates done.
            split: name of the images, as in "test".
            metrics: `loss`, `accuracy` (0 to 1) and whatever else there is.
        """
        if not self._is_writer:
            return
        self._resumed = time.perf_counter()
        head = {"kind": "eval", "split": split, "step": step, "epoch": step / self._steps_per_epoch}
        self._write([{**head, **metrics, "seconds": round(self._resumed - self._opened, 3)}])
        self._add_events(split, step, metrics)
        self._terminal.evaluation(split, metrics)

    def sync(self) -> None:
        """Sends the lines to the disk, so that no checkpoint outlives its records."""
        if self._is_writer:
            os.fsync(self._file.fileno())

    def table(self, summary: Mapping[str, Any]) -> None:
        """Prints a row for each field; `*accuracy` in percent, `*seconds` as h:mm:ss."""
        if self._is_writer:
            self._terminal.table(summary)

    def _write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        for line in lines:
            strict = {name: _strict(value) for name, value in line.items()}
            self._file.write(json.dumps(strict, allow_nan=False) + "\n")
        self._file.flush()

    def _add_events(self, split: str, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            if name not in ("step", "epoch"):
                self._events.add_scalar(f"{split}/{name}", value, step)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a `metrics.jsonl`, without one that is torn."""
    return [record for line in path.read_bytes().splitlines() if (record := _parse(line))]


def _drop_after(path: Path, start_step: int) -> float:
    """The seconds that the lines kept have taken."""
    if not path.exists():
        return 0.0
    if start_step == 0:
        set_aside(path, path.parent / "set_aside")
        return 0.0
    kept = [record for record in read_metrics(path) if record["step"] <= start_step]
    write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept).encode())
    return float(kept[-1]["seconds"]) if kept else 0.0


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        return None


def _strict(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value

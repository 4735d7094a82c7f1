"""The records of a run: JSON lines, TensorBoard events, and the terminal."""

import contextlib
import hashlib
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TextIO

import numpy as np

from train.atomic_file import flush_names
from train.errors import UserError
from train.folder import sealed
from train.folder.about import About
from train.folder.follower import Follower, outcome, point
from train.folder.log_cut import drop_after
from train.folder.tensorboard import TensorBoard
from train.folder.terminal import MEASURES, Terminal

EVENTS = "tensorboard"
"""The folder of the events for TensorBoard, in the run's folder."""

_OF_ANY_STEP = {"step", "epoch", "learning_rate", "seconds"}
"""The fields of a line that a step has even if it is skipped, beside the speed."""


class Log:
    """The records of one run; a context manager.

    Each line of `metrics.jsonl` is a strict JSON object, in which a number that is not finite is
    null. Lines of kind "train" have the fields of the caller's records. Lines of kind "eval" have a
    `split` and its metrics. `step` counts the updates done. The last field of a line is `check`, by
    which damage is found; it begins with the version.

    Two fields depend on the clock: `seconds`, the sum over all starts of the run, and the speed,
    such as `images_per_second`, which leaves evaluations out. TensorBoard and loggers get only the
    last record of each chunk, since an event takes 0.1 ms.

    Args:
        workdir: the run's folder, which exists.
        total_steps: the number of updates of the whole run.
        steps_per_epoch: the number of updates in an epoch.
        batch_size: the number of examples in an update, over all devices.
        noun: the plural of an example.
        measures: the units of the measures of an evaluation, by their names; a share has "%".
        start_step: the number of updates done before. Lines of later updates, which were lost, are
            dropped, and so is a line that was cut short. With 0, an older file is moved to
            `set_aside`.
        is_writer: false writes and prints nothing.
        is_quiet: the terminal shows only the bar.
        about: what TensorBoard shows of the run beside its numbers; None: nothing.
        loggers: what gets the lines too. They begin and end with this log.
    """

    def __init__(
        self,
        workdir: Path,
        *,
        total_steps: int,
        steps_per_epoch: int,
        batch_size: int,
        noun: str = "images",
        measures: Mapping[str, str] = MEASURES,
        start_step: int = 0,
        is_writer: bool = True,
        is_quiet: bool = False,
        about: About | None = None,
        loggers: Sequence[Follower] = (),
    ) -> None:
        self._workdir, self._about = workdir, about
        self._loggers = loggers if is_writer else ()
        self._steps_per_epoch = steps_per_epoch
        self._batch_size, self._noun, self._step = batch_size, noun, start_step
        self._is_writer, self._is_quiet = is_writer, is_quiet
        self._bytes, self._sha256 = 0, hashlib.sha256()
        self._terminal = Terminal(
            total_steps=total_steps,
            steps_per_epoch=steps_per_epoch,
            start_step=start_step,
            is_quiet=is_quiet,
            noun=noun,
            measures=measures,
        )

    def __enter__(self) -> Self:
        """Opens the files, and shows the bar if there is a terminal."""
        self._opened = self._resumed = time.perf_counter()
        if self._is_writer:
            path = self._workdir / "metrics.jsonl"
            self._opened -= drop_after(path, self._step)
            content = path.read_bytes() if path.exists() else b""
            self._bytes = len(content)
            self._sha256.update(content)
            self._file: TextIO = path.open("a", encoding="utf-8")
            flush_names(self._workdir)
            self._events = TensorBoard(self._workdir / EVENTS, self._step)
            if self._about is not None:
                self._events.begin(self._about, self._step)
            for logger in self._loggers:
                logger.start()
            self._terminal.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Removes the bar and closes the files, and then the loggers."""
        if self._is_writer:
            self._terminal.stop()
            self._events.close()
            with contextlib.suppress(OSError):  # of a full disk, which was said before
                self._file.close()
        for logger in self._loggers:
            logger.close(outcome(kind))

    def train_lines(self, records: Sequence[Mapping[str, float]]) -> None:
        """Writes the records of a chunk of updates, a line each, and moves the bar.

        Args:
            records: a mapping for each update, in order: `step`, `epoch`, `loss`, and so on.
        """
        if not self._is_writer or not records:
            return
        now = time.perf_counter()
        step = int(records[-1]["step"])
        speed = (step - self._step) * self._batch_size / (now - self._resumed)
        self._step, self._resumed = step, now
        clock = {
            "seconds": round(now - self._opened, 3),
            f"{self._noun}_per_second": round(speed, 1),
        }
        self._write([{"kind": "train", **record, **clock} for record in records])
        self._events.numbers("train", step, records[-1])
        self._terminal.train(records, speed)

    def lines(self, lines: Sequence[str]) -> None:
        """Prints lines, above the bar if there is one."""
        if self._is_writer:
            self._terminal.lines(lines)

    def eval_line(self, step: int, split: str, metrics: Mapping[str, float]) -> None:
        """Writes and prints an evaluation.

        Args:
            step: the number of updates done.
            split: the name of the images, such as "test".
            metrics: `loss` and the measures; shares from 0 to 1.
        """
        if not self._is_writer:
            return
        self._resumed = time.perf_counter()
        head = {"kind": "eval", "split": split, "step": step, "epoch": step / self._steps_per_epoch}
        self._write([{**head, **metrics, "seconds": round(self._resumed - self._opened, 3)}])
        self._events.numbers(split, step, metrics)
        self._terminal.evaluation(split, metrics)

    def sync(self) -> None:
        """Sends lines and events to the disk, before a checkpoint that is newer than they are."""
        if self._is_writer:
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                raise _unwritten(self._workdir, error) from error
            self._events.sync()

    def extent(self) -> dict[str, Any]:
        """Returns the length and the digest of the writer's `metrics.jsonl`, for a manifest."""
        return {"bytes": self._bytes, "sha256": self._sha256.hexdigest()}

    def end(self, step: int, summary: Mapping[str, Any], pictures: Sequence[Path]) -> None:
        """Gives TensorBoard and the loggers what a run leaves when it has ended.

        Args:
            step: the number of all updates.
            summary: the content of `summary.json`.
            pictures: PNG files.
        """
        if self._is_writer:
            # A study has a thousand runs, whose pictures would take more room than their numbers.
            self._events.end(step, () if self._is_quiet else pictures)
        for logger in self._loggers:
            logger.end(step, summary, pictures)

    def table(self, summary: Mapping[str, Any]) -> None:
        """Removes the bar, and prints a row for each field.

        Shares are in per cent, and `*seconds` is h:mm:ss.
        """
        if self._is_writer:
            self._terminal.stop()
            self._terminal.table(summary)

    def _write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        records = [{name: strict(value) for name, value in line.items()} for line in lines]
        text = "".join(map(sealed.line, records))
        self._bytes += len(text.encode())
        self._sha256.update(text.encode())
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise _unwritten(self._workdir, error) from error
        for logger in self._loggers:
            logger.add(point(records[-1]))


def _unwritten(folder: Path, error: OSError) -> UserError:
    return UserError(
        f"metrics.jsonl could not be written in {folder} ({error.strerror}). Make room, and start "
        "the same command again: it goes on from the last checkpoint."
    )


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Returns the lines of a `metrics.jsonl`, without a line that was cut short."""
    return [record for line in path.read_bytes().splitlines() if (record := sealed.parsed(line))]


def column(lines: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """Returns one field of some lines as float64; NaN where a line lacks it or has null.

    A line that was lost has null alone. Of a step that was skipped, what it would have measured is
    NaN, too.
    """
    is_of_any_step = name in _OF_ANY_STEP or name.endswith("_per_second")
    values = (
        None if "skipped" in line and not is_of_any_step else line.get(name) for line in lines
    )
    return np.array([*values], np.float64)


def strict(value: Any) -> Any:
    """Returns a number as strict JSON has it: a Python number, or None if it is not finite."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value

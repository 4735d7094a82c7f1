"""The events of a run for TensorBoard, written at once and in order."""

import contextlib
import os
import shlex
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from train.folder.about import About
from train.folder.files import flush_folder


class TensorBoard:
    """The event file of one start of a run.

    `tensorboardX.SummaryWriter` is not used: it hands each event to a thread through a pipe, so
    that its `flush` sends to the disk what came out there, and a killed run lost the rest.

    Where it cannot be written, the run goes on without it after one warning: `metrics.jsonl` has
    all of its numbers.

    Args:
        folder: for the events. It is made if it is absent.
        start_step: the number of updates done before. TensorBoard forgets what it has of later
            ones.
    """

    def __init__(self, folder: Path, start_step: int) -> None:
        # It takes 0.3 s, and only a process that writes needs it.
        from tensorboardX import event_file_writer, summary
        from tensorboardX.proto import event_pb2, summary_pb2

        folder.mkdir(parents=True, exist_ok=True)
        self._is_off = False
        self._folder, self._event, self._make = folder, event_pb2.Event, summary
        self._summary, self._ending = summary_pb2.Summary, None
        # Two starts may fall in the same second.
        self._writer = event_file_writer.EventsWriter(str(folder / "events"), f".{start_step}")
        started = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._add(step=start_step + 1, session_log=started)

    def begin(self, about: About, step: int) -> None:
        """Writes the settings, as a text and for the table of hyperparameters, and the schedule.

        Args:
            about: what the run is.
            step: the number of updates done before.
        """
        rows = [f"| {name} | {_cell(value)} |" for name, value in about.settings.items()]
        table = "\n".join(["| field | value |", "|---|---|", *rows])
        self._add(summary=self._make.text("configuration", table), step=step)
        self._add(summary=self._make.text("schedule", about.schedule), step=step)
        known = (bool, int, float, str)
        values = {
            name: value if isinstance(value, known) else str(value)
            for name, value in about.settings.items()
            if value is not None
        }
        of_test = [f"test/{name}" for name in about.measures]
        targets = dict.fromkeys([*of_test, "test/loss", "train/loss"], 0.0)
        experiment, session, self._ending = self._make.hparams(values, targets)
        self._add(summary=experiment)
        self._add(summary=session)

    def numbers(self, split: str, step: int, metrics: Mapping[str, float]) -> None:
        """Writes numbers of one step, all but the step and the epoch.

        Args:
            split: the name of the images, such as "test".
            step: the number of updates done.
            metrics: the numbers by their names.
        """
        values = [
            self._summary.Value(tag=f"{split}/{name}", simple_value=float(value))
            for name, value in metrics.items()
            if name not in ("step", "epoch")
        ]
        self._add(summary=self._summary(value=values), step=step)

    def end(self, step: int, pictures: Sequence[Path]) -> None:
        """Writes the pictures of a run that has ended, and that it has.

        Args:
            step: the number of all updates.
            pictures: PNG files.
        """
        for path in pictures:
            png = path.read_bytes()
            width, height = struct.unpack(">II", png[16:24])
            image = self._summary.Image(
                height=height, width=width, colorspace=4, encoded_image_string=png
            )
            value = self._summary.Value(tag=path.stem, image=image)
            self._add(summary=self._summary(value=[value]), step=step)
        if self._ending is not None:
            self._add(summary=self._ending)

    def sync(self) -> None:
        """Sends the events to the disk, where they outlive the process and a power cut."""
        with self._lasting():
            self._writer.flush()
            flush_folder(self._folder)

    def close(self) -> None:
        """Closes the file."""
        with self._lasting():
            self._writer.close()

    def _add(self, **fields: Any) -> None:
        with self._lasting():
            self._writer.write_event(self._event(wall_time=time.time(), **fields))

    @contextlib.contextmanager
    def _lasting(self) -> Iterator[None]:
        """Lets a disk fail, which is said once."""
        try:
            yield
        except OSError as error:
            if not self._is_off:
                self._is_off = True
                print(
                    f"warning: {self._folder} could not be written ({error.strerror}). The run "
                    "goes on, and metrics.jsonl has its numbers.",
                    file=sys.stderr,
                    flush=True,
                )


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def command(folder: Path) -> str:
    """Returns the command that shows the events in a folder."""
    return f"tensorboard --logdir {shlex.quote(os.fspath(folder))}"

"""Shows a run on the terminal: by a progress bar, or by plain lines if there is no terminal."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

_WIDE = 110  # columns from which on the bar has room for whole words
_SHORT = {"accuracy": "acc", "learning_rate": "rate"}
MEASURES: Mapping[str, str] = {"accuracy": "%"}
"""The measures of the classification of images, and their units."""


class _Pace:
    """The time that a step takes, with its share of the evaluations and without the compiler.

    A program is compiled when it first runs: for a chunk of another length, a scan is another
    program, and for a split of another size, so may be an evaluation. So its first time does not
    count.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._steps, self._seconds, self._last = 0, 0.0, 0.0

    def count(self, program: str, num_steps: int) -> None:
        """Counts the time since the last program ended, and the steps that this one made."""
        now = time.perf_counter()
        if program in self._known:
            self._steps += num_steps
            self._seconds += now - self._last
        self._known.add(program)
        self._last = now

    def seconds(self, num_steps: int) -> float:
        """Returns how long so many steps take, in seconds; NaN before any has counted."""
        return num_steps * self._seconds / self._steps if self._steps else math.nan


class Terminal:
    """A progress bar, redrawn twice a second, and lines above it. Without a terminal, only lines.

    Args:
        total_steps: the number of updates of the whole run.
        steps_per_epoch: the number of updates in an epoch.
        start_step: the number of updates done before.
        is_quiet: show only the bar, and no lines.
        noun: the plural of an example.
        measures: the units of the measures of an evaluation, by their names; a share has "%".
    """

    def __init__(
        self,
        *,
        total_steps: int,
        steps_per_epoch: int,
        start_step: int,
        is_quiet: bool = False,
        noun: str = "images",
        measures: Mapping[str, str] = MEASURES,
    ) -> None:
        self._total_steps = total_steps
        self._steps_per_epoch = steps_per_epoch
        self._num_epochs = math.ceil(total_steps / steps_per_epoch)
        self._step = start_step
        self._is_quiet = is_quiet
        self._noun = noun
        self._shown = ("loss", *measures, "learning_rate")
        self._shares = [name for name, unit in measures.items() if unit == "%"]
        self._pace = _Pace()
        self._epoch_records: list[Mapping[str, float]] = []
        self._console = Console(highlight=False)
        self._progress: Progress | None = None

    def start(self) -> None:
        """Shows the bar."""
        if not self._console.is_terminal:
            return
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}"),
            console=self._console,
            expand=True,
            refresh_per_second=2,
            transient=True,
        )
        self._task = self._progress.add_task(
            self._epoch(), total=self._total_steps, completed=self._step, numbers="first steps"
        )
        self._progress.start()

    def stop(self) -> None:
        """Removes the bar."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def train(self, records: Sequence[Mapping[str, float]], speed: float) -> None:
        """Moves the bar to the last record's step. Without a bar, prints a line for each epoch."""
        epochs_before = self._step // self._steps_per_epoch
        self._step = int(records[-1]["step"])
        is_epoch_end = self._step // self._steps_per_epoch > epochs_before
        self._epoch_records += records
        self._pace.count(f"a chunk of {len(records)}", len(records))
        left = duration(self._pace.seconds(self._total_steps - self._step))

        if self._progress is not None:
            if self._console.width >= _WIDE:
                tail = [f"{speed:,.0f} {self._noun}/s", f"{left} left"]
            else:
                tail = [f"{speed:.0f} {self._noun[:2]}/s", left]
            numbers = "  ".join([*self._words(records, self._console.width >= _WIDE), *tail])
            self._progress.update(
                self._task, completed=self._step, description=self._epoch(), numbers=numbers
            )
        elif is_epoch_end or self._step == self._total_steps:
            tail = [f"{speed:,.0f} {self._noun}/s", f"{left} left"]
            self._print(["train", *self._words(self._epoch_records, True), *tail])

        if is_epoch_end:
            self._epoch_records = []

    def lines(self, lines: Sequence[str]) -> None:
        """Prints lines, above the bar if there is one."""
        for line in lines:
            self._print([line])

    def evaluation(self, split: str, metrics: Mapping[str, float]) -> None:
        """Prints a line, above the bar if there is one."""
        self._pace.count(split, 0)
        self._print([f"{split:5}", *self._words([metrics], True)])

    def table(self, summary: Mapping[str, Any]) -> None:
        """Prints a row for each field."""
        if self._is_quiet:
            return
        rows = {
            name.replace("_", " "): self._format(name, value) for name, value in summary.items()
        }
        if self._console.is_terminal:
            table = Table(show_header=False)
            for name, value in rows.items():
                table.add_row(name, value)
            self._console.print(table, markup=False)
        else:
            width = max(map(len, rows), default=0)
            for name, value in rows.items():
                self._console.print(f"{name:{width}}  {value}", soft_wrap=True, markup=False)

    def _print(self, words: Sequence[str]) -> None:
        if self._is_quiet:
            return
        text = "  ".join([self._epoch(wide=True), *words])
        self._console.print(text, soft_wrap=True, markup=False)

    def _epoch(self, *, wide: bool = False) -> str:
        epoch = max(1, math.ceil(self._step / self._steps_per_epoch))
        count = f"{epoch:{len(str(self._num_epochs))}}/{self._num_epochs}"
        return f"epoch {count}" if wide or self._console.width >= _WIDE else count

    def _words(self, records: Sequence[Mapping[str, float]], wide: bool) -> list[str]:
        words = []
        for name in self._shown:
            if name in records[0]:
                made = [record for record in records if "skipped" not in record]
                values = [record[name] for record in made or records]
                value = values[-1] if name == "learning_rate" else float(np.mean(values))
                title = name.replace("_", " ") if wide else _SHORT.get(name, name)
                words.append(f"{title} {self._format(name, value)}")
        return words

    def _format(self, name: str, value: Any) -> str:
        if isinstance(value, int):
            return f"{value:,}"
        if not isinstance(value, float | np.floating):
            return str(value)
        if any(share in name for share in self._shares):
            return f"{100 * value:.1f} %"
        return duration(float(value)) if name.endswith("seconds") else f"{value:#.3g}"


def duration(seconds: float) -> str:
    """Writes seconds as hours, minutes and seconds: `1:02:03`; what is not finite as dashes."""
    if not math.isfinite(seconds):
        return "-:--:--"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"

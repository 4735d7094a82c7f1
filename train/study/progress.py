"""Shows the progress of a study: a line for each task that ends, and a page that reloads itself."""

import dataclasses
import html
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from train.folder.files import write_atomically
from train.folder.log import read_metrics
from train.folder.terminal import duration
from train.study import Run, Study
from train.study.record import is_done, read
from train.study.tasks import Task, num_epochs
from train.tasks.task import measures_of

PAGE = "progress.html"
_RECENT = 5  # the number of last runs whose pace counts
_SELDOM = 10.0  # seconds between two versions of the page


@dataclasses.dataclass
class Progress:
    """The progress of a study: what is done, what is being made, and how long the rest takes.

    Args:
      study: the description.
      folder: of the study.
      tasks: all tasks that this start has to make.
      runs: the runs of this share.
      num_workers: the number of tasks that are made at once.
    """

    study: Study
    folder: Path
    tasks: Sequence[Task]
    runs: Sequence[Run]
    num_workers: int = 1
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    """The reasons why tasks could not be made, by the tasks' keys."""
    _begun: dict[str, float] = dataclasses.field(default_factory=dict)
    _open: dict[str, Task] = dataclasses.field(default_factory=dict)
    _paces: list[float] = dataclasses.field(default_factory=list)
    _written: float = 0.0
    _stopped: str = ""

    def __post_init__(self) -> None:
        """Learns the pace of runs that an earlier start made."""
        self._open = {task.key: task for task in self.tasks}
        self._done = {run.folder for run in self.runs if is_done(run, self.folder / run.folder)}
        for run in [run for run in self.runs if run.folder in self._done][-_RECENT:]:
            self._learn(self.folder / run.folder, run.config.epochs)

    def place(self, task: Task) -> str:
        """Returns the start of a line: which run comes next of how many; for other tasks "of"."""
        return f"{len(self._done) + 1} of {len(self.runs)}: " if task.kind == "run" else "of "

    def began(self, task: Task) -> None:
        """Records that a worker has begun a task."""
        self._begun[task.key] = time.monotonic()
        self.write()

    def ended(self, task: Task, outcome: str, *, is_failed: bool = False) -> str:
        """Records that a task has ended, and returns the line that says so."""
        self._open.pop(task.key, None)
        self._begun.pop(task.key, None)
        if is_failed:
            self.failed[task.key] = outcome
        elif task.kind == "run":
            self._done.add(task.name)
            self._learn(self.folder / task.name, task.run.config.epochs)

        left = self.seconds_left()
        rest = "" if left is None else f"; {duration(left)} left"
        self.write()
        failed = "failed: " if is_failed else ""
        if task.kind != "run":
            return f"{task.kind} of {task.name}: {failed}{outcome}{rest}"
        return f"run {len(self._done)} of {len(self.runs)}: {task.name}: {failed}{outcome}{rest}"

    def seconds_left(self) -> float | None:
        """Returns how long the rest takes at the pace of the last runs; None: none has ended.

        The pace leaves out compilation, which only the first run of each worker needs.
        """
        if not self._paces:
            return None
        pace = statistics.median(self._paces[-_RECENT:])
        rest = []
        for task in self._open.values():
            expected = pace * (num_epochs(self.study, task) - self._trials(task)[0])
            spent = time.monotonic() - self._begun[task.key] if task.key in self._begun else 0.0
            rest.append(max(expected - spent, 0.0))
        return max(sum(rest) / self.num_workers, max(rest, default=0.0))

    def stop(self, why: str) -> None:
        """Writes the page for the last time, where a signal ends the study.

        Args:
          why: the signal, as a sentence.
        """
        self._stopped = f"Stopped. {why} The same command goes on."
        self._begun.clear()
        self.write()

    def write(self, *, seldom: bool = False) -> None:
        """Writes the page; with `seldom`, only if the last version is ten seconds old."""
        if seldom and time.monotonic() - self._written < _SELDOM:
            return
        self._written = time.monotonic()
        write_atomically(self.folder / PAGE, self._page().encode())

    def _learn(self, folder: Path, epochs: int) -> None:
        """Learns the seconds of an epoch from a run's lines, without the wait for the compiler."""
        path = folder / "metrics.jsonl"
        lines = read_metrics(path) if path.exists() else []
        timed = [line for line in lines if line.get("seconds") is not None]
        first = [line for line in timed if line["seconds"] == timed[0]["seconds"]]  # of one chunk
        if timed and (made := timed[-1]["step"] - first[-1]["step"]) > 0:
            seconds = timed[-1]["seconds"] - first[-1]["seconds"]
            self._paces.append(seconds * timed[-1]["step"] / made / epochs)

    def _trials(self, task: Task) -> tuple[int, int]:
        """Returns how many epochs a search's trials have made, and how many trials there are."""
        tune = self.study.tune
        if task.kind != "search" or tune is None:
            return 0, 0
        made = len(list((self.folder / "tuning" / task.name).glob("trial*/summary.json")))
        return min(made, tune.trials) * num_epochs(self.study, task) // tune.trials, made

    def _page(self) -> str:
        left = self.seconds_left()
        still = "no run has ended yet" if left is None else f"about {duration(left)} left"
        if not self._open:
            still = "nothing is left to make"
        if self._stopped:
            still = "and nothing is being made"
        head = f"{len(self._done)} of {len(self.runs)} runs are done, {still}"

        stopped = html.escape(self._stopped)
        rows: dict[str, dict[int, str]] = {}
        for run in self.runs:
            name = " / ".join(run.labels.values())
            rows.setdefault(name, {})[run.seed] = self._run_state(run)
        seeds = sorted({run.seed for run in self.runs})
        body = "\n".join(
            f"<tr><th>{html.escape(name)}</th>"
            + "".join(f"<td>{states.get(seed, '')}</td>" for seed in seeds)
            + "</tr>"
            for name, states in rows.items()
        )
        heads = "".join(f"<th>{seed}</th>" for seed in seeds)
        others = "".join(
            f"<li>{html.escape(task.kind)} of {html.escape(task.name)}: {self._task_state(task)}"
            "</li>"
            for task in self.tasks
            if task.kind != "run"
        )
        wrong = "".join(
            f"<li>{html.escape(key)}: {html.escape(why)}</li>" for key, why in self.failed.items()
        )
        first = measures_of(self.study.base)[0]
        measure = first.noun + (f", in {first.unit}," if first.unit else "")
        when = time.strftime("%Y-%m-%d %H:%M:%S %Z")
        return _HTML.format(
            title=html.escape(self.study.title), head=head, others=others, wrong=wrong,
            heads=heads, body=body, workers=self.num_workers, when=when, stopped=stopped,
            measure=measure,
        )  # fmt: skip

    def _run_state(self, run: Run) -> str:
        key = f"run {run.folder}"
        if run.folder in self._done:
            first = measures_of(run.config)[0]
            value = read(self.folder / run.folder / "summary.json").get(f"test_{first.name}")
            return "halted" if value is None else f"{first.shown(value):.{first.digits - 1}f}"
        if key in self.failed:
            return "failed"
        return self._made(self.folder / run.folder, run) if key in self._begun else "·"

    def _made(self, folder: Path, run: Run) -> str:
        """Returns how far a run has come, from the last line of its records."""
        path = folder / "metrics.jsonl"
        lines = [line for line in (read_metrics(path) if path.exists() else []) if "epoch" in line]
        return f"{100 * lines[-1]['epoch'] / run.config.epochs:.0f} %" if lines else "begun"

    def _task_state(self, task: Task) -> str:
        if task.key in self.failed:
            return "failed"
        if task.key not in self._open:
            return "done"
        made = self._trials(task)[1]
        trials = f", {made} of {self.study.tune.trials} trials" if made and self.study.tune else ""
        return ("being made" if task.key in self._begun else "waits") + trials


_HTML = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="15">
<title>{head}</title>
<style>
body {{ margin: 0 auto; max-width: 70rem; padding: 1.5rem 1rem; color: #1b232c;
  font: 16px/1.5 system-ui, "Segoe UI", Arial, "DejaVu Sans", sans-serif; }}
h1 {{ font-size: 1.4rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.3rem 0.6rem; border-bottom: 1px solid #d8dde3; text-align: right;
  white-space: nowrap; }}
th:first-child {{ text-align: left; position: sticky; left: 0; background: #fff;
  font-weight: 600; }}
.wrong {{ color: #7a1515; }}
footer {{ color: #586573; font-size: 0.875rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p><strong>{head}</strong>, with {workers} made at once. {stopped}</p>
<ul>{others}</ul>
<ul class="wrong">{wrong}</ul>
<div class="wide"><table>
<thead><tr><th>setting, by seed</th>{heads}</tr></thead>
<tbody>
{body}
</tbody></table></div>
<p>A number is the final {measure} of a run that is done; a percentage is how far a run
has come that is being made, and "begun" one of which no step is told yet; a dot is a run that
waits.</p>
<footer>Written {when}; the page reloads itself. The report is made at the end.</footer>
</body>
</html>
"""

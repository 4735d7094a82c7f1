"""The measures of a run that ended: functions of its records, in the units that are shown."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from train.metric import Metric
from train.report.numbers.records import Cell, Outcome
from train.report.numbers.spikes import restarts
from train.report.numbers.task_record import CLASSIFICATION, TaskRecord


@dataclasses.dataclass(frozen=True)
class Measure:
    """A kind of number that a run has, and how it is written."""

    title: str
    unit: str
    digits: int
    better: int
    """+1: higher is better; -1: lower is better; 0: neither."""
    of: Callable[..., float | None]
    """The function that takes a run, and a claim's arguments by keyword. It returns the number, or
    None where the run has no such number."""

    @property
    def header(self) -> str:
        """Returns the title with its unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


def area(run: Outcome) -> float | None:
    """Returns the mean test loss over the run: the area under its curve, divided by its width."""
    step, loss = run.test["step"], run.test["loss"]
    if not len(step):
        return None
    if len(step) == 1:
        return _finite(loss[0])
    return _finite(np.trapezoid(loss, step) / (step[-1] - step[0]))


def steps_to(run: Outcome, accuracy: float, metric: Metric = CLASSIFICATION.first) -> float | None:
    """Returns how many updates were made at the first evaluation with a test accuracy.

    Args:
      run: the run.
      accuracy: in %; of another task, its first measure as it is shown.
      metric: that measure.

    Returns:
      None: the accuracy was never reached.
    """
    is_reached = metric.better * at_evaluations(run, metric) >= metric.better * accuracy
    reached = run.test["step"][is_reached]
    return float(reached[0]) if len(reached) else None


def best_reached(cells: Sequence[Cell]) -> float | None:
    """Returns the best of a task's first measure at any evaluation of any run that ended."""
    found = [
        cell.task.first.better * at_evaluations(run, cell.task.first)
        for cell in cells
        for run in cell.ended
    ]
    finite = [values[np.isfinite(values)] for values in found]
    best = max((float(values.max()) for values in finite if len(values)), default=None)
    return None if best is None else cells[0].task.first.better * best


def part_of(metric: Metric, best: float, fraction: float) -> float:
    """Returns the mark that is a fraction as good as the best: of a lower one it is a multiple."""
    return fraction * best if metric.better > 0 else best / fraction


def unrest(run: Outcome) -> float | None:
    """Returns how far the epochs' mean training losses still range in the last quarter of the run.

    It is in per cent of the fall from the first epoch's mean to the lowest; 0 has settled. Only
    whole epochs without a restart count. With fewer than two of them it is None.
    """
    means = epoch_losses(run)
    spiking = {step // run.steps_per_epoch for step in run.restarts}
    last = [means[n] for n in range(len(means) - len(means) // 4, len(means)) if n not in spiking]
    fall = means[0] - means.min() if len(last) > 1 else 0.0
    return _finite(100 * (max(last) - min(last)) / fall) if fall > 0 else None


def at_evaluations(run: Outcome, metric: Metric) -> np.ndarray:
    """Returns a measure at each evaluation on the test split, as it is shown."""
    values: np.ndarray = metric.shown(run.test[metric.name])
    return values


def epoch_losses(run: Outcome) -> np.ndarray:
    """Returns the mean training loss of each whole epoch."""
    whole = len(run.train["loss"]) // run.steps_per_epoch * run.steps_per_epoch
    return _mean_of_made(run.train["loss"][:whole].reshape(-1, run.steps_per_epoch))


def _at_end(values: Callable[[Outcome], np.ndarray]) -> Callable[..., float | None]:
    return lambda run: _at(run, values, run.total_steps)


def _at_best(values: Callable[[Outcome], np.ndarray]) -> Callable[..., float | None]:
    return lambda run: _at(run, values, run.summary.get("best_step"))


def _at(run: Outcome, values: Callable[[Outcome], np.ndarray], step: int | None) -> float | None:
    found = values(run)[run.test["step"] == (step or -1)]
    return _finite(found[0]) if len(found) else None


def _losses(run: Outcome) -> np.ndarray:
    return run.test["loss"]


def _test_part(run: Outcome, start: float = 0.0, stop: float = 1.0) -> float | None:
    part = run.test["step"] / max(run.total_steps, 1)
    return _finite_mean(run.test["loss"][(part > start) & (part <= stop)])


def _train_part(run: Outcome, start: float = 0.0, stop: float = 1.0) -> float | None:
    part = run.train["loss"][int(start * run.total_steps) : int(stop * run.total_steps)]
    return _finite(_mean_of_made(part)) if len(part) else None


def _of_restarts(name: str) -> Callable[..., float | None]:
    def value(run: Outcome, which: str = "all") -> float | None:
        """Returns the mean over restarts: the schedule's "first", "later" (all others) or "all"."""
        part = {"first": slice(0, 1), "later": slice(1, None), "all": slice(None)}[which]
        among = run.restarts[part]
        found = [restart for step, restart in restarts(run).items() if step in among]
        values = [None if restart is None else getattr(restart, name) for restart in found]
        return _finite_mean(np.array(values, np.float64)) if None not in values else None

    return value


def _summary(name: str) -> Callable[..., float | None]:
    return lambda run: run.summary.get(name)


def _speed(run: Outcome) -> float | None:
    return _finite(np.median(run.train["speed"]))


def _highest_rate(run: Outcome) -> float | None:
    return _finite(run.train["learning_rate"].max())


def _mean_of_made(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Returns the mean over an axis, without the steps that were skipped; NaN if all were."""
    is_made = np.isfinite(values)
    if is_made.all() and values.shape[axis]:
        mean: np.ndarray = values.mean(axis)
        return mean
    with np.errstate(invalid="ignore"):
        sums: np.ndarray = np.where(is_made, values, 0).sum(axis) / is_made.sum(axis)
    return sums


def _finite_mean(values: np.ndarray) -> float | None:
    return _finite(values.mean()) if len(values) else None


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


@functools.cache
def measures_of(task: TaskRecord) -> Mapping[str, Measure]:
    """Returns every measure that a claim may be about, by the name that the claim uses."""
    unit, digits = task.loss_unit, 3 if task.loss_unit else 4
    loss = functools.partial(Measure, unit=unit, digits=digits, better=-1)
    at_ends, at_bests = {}, {}
    for each in task.measures:
        values = functools.partial(at_evaluations, metric=each)
        how = (each.unit, each.digits, each.better)
        at_ends[each.final] = Measure(f"Final {each.noun}", *how, _at_end(values))
        best = f"Best checkpoint, {each.noun}"
        at_bests[each.best] = Measure(best, *how, _at_best(values))
    speed = Measure("Speed", f"{task.noun}/s", 0, +1, _speed)
    to = "an accuracy" if task.first.name == "accuracy" else f"a {task.first.title}"
    reached = functools.partial(steps_to, metric=task.first)
    after = "Training loss in the epoch after a restart"
    return {
        **at_ends,
        "final_loss": loss("Final test loss", of=_at_end(_losses)),
        **at_bests,
        "best_loss": loss("Best checkpoint, test loss", of=_at_best(_losses)),
        "area": loss("Mean test loss over the run", of=area),
        "train_loss": loss("Training loss", of=_train_part),
        "test_loss": loss("Test loss", of=_test_part),
        "spike_height": loss("Spike after a restart", of=_of_restarts("height")),
        "recovery": Measure("Recovery from a restart", "epochs", 1, -1, _of_restarts("recovery")),
        "restart_loss": loss(after, of=_of_restarts("after")),
        "unrest": Measure("Unrest of the last quarter", "% of the fall", 1, -1, unrest),
        "highest_rate": Measure("Highest learning rate", "", 4, 0, _highest_rate),
        "steps_to": Measure(f"Steps to {to}", "", 0, -1, reached),
        "seconds": Measure("Time of a run", "s", 0, -1, _summary("seconds")),
        task.speed: speed,
    }


MEASURES = measures_of(CLASSIFICATION)
"""The measures of the classification of images."""

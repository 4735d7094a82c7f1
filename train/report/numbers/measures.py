"""The measures of a run that ended: functions of its records, in the units that are shown."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from train.report.numbers.records import Cell, Outcome


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


@dataclasses.dataclass(frozen=True)
class Restart:
    """The effect of a restart on the training loss, as means over windows of a tenth of an epoch.

    A window has at least five steps, since the loss of a single batch is mostly noise.
    """

    before: float
    """The mean over the last window before the restart, in nats."""
    height: float
    """The highest mean over a window from the restart to the next one, less `before`, in nats."""
    recovery: float | None
    """Epochs from the restart until a window after the highest one has a mean of `before` or less.
    None: not before the next restart."""
    after: float
    """The mean over the epoch that follows the restart, in nats."""


def restarts(run: Outcome) -> Mapping[int, Restart | None]:
    """Returns the restarts by their steps, if a whole window of steps lies on both sides.

    A restart is None where a loss beside it is not finite, or its step was skipped. A run may have
    halted and gone on with another schedule: the steps after that belong to the restart before.
    """
    loss = run.train["loss"]
    window = max(5, run.steps_per_epoch // 10)
    found: dict[int, Restart | None] = {}
    for step, end in itertools.pairwise([*run.restarts, len(loss)]):
        if step < window or min(end, len(loss)) - step < window:
            continue
        before = float(np.mean(loss[step - window : step]))
        means = sliding_window_view(loss[step:end], window).mean(-1)
        if not (math.isfinite(before) and np.isfinite(means).all()):
            found[step] = None
            continue

        height = float(means.max()) - before
        top = int(means.argmax())
        back = np.flatnonzero(means[top:] <= before)
        steps = 0 if height <= 0 else top + int(back[0]) + window if back.size else None

        found[step] = Restart(
            before=before,
            height=height,
            recovery=None if steps is None else steps / run.steps_per_epoch,
            after=float(np.mean(loss[step : min(step + run.steps_per_epoch, end)])),
        )
    return found


def area(run: Outcome) -> float | None:
    """Returns the mean test loss over the run: the area under its curve, divided by its width."""
    step, loss = run.test["step"], run.test["loss"]
    if not len(step):
        return None
    if len(step) == 1:
        return _finite(loss[0])
    return _finite(np.trapezoid(loss, step) / (step[-1] - step[0]))


def steps_to(run: Outcome, accuracy: float) -> float | None:
    """Returns how many updates were made at the first evaluation with a test accuracy.

    Args:
      run: the run.
      accuracy: in %.

    Returns:
      None: the accuracy was never reached.
    """
    reached = run.test["step"][at_evaluations(run, "accuracy") >= accuracy]
    return float(reached[0]) if len(reached) else None


def best_reached(cells: Sequence[Cell]) -> float | None:
    """Returns the highest test accuracy, in %, at any evaluation of any run that ended."""
    accuracies = [at_evaluations(run, "accuracy") for cell in cells for run in cell.ended]
    finite = [values[np.isfinite(values)] for values in accuracies]
    return max((float(values.max()) for values in finite if len(values)), default=None)


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


def at_evaluations(run: Outcome, name: str) -> np.ndarray:
    """Returns a record of each evaluation on the test images; the accuracy in %."""
    return 100 * run.test[name] if name == "accuracy" else run.test[name]


def epoch_losses(run: Outcome) -> np.ndarray:
    """Returns the mean training loss of each whole epoch."""
    whole = len(run.train["loss"]) // run.steps_per_epoch * run.steps_per_epoch
    return _mean_of_made(run.train["loss"][:whole].reshape(-1, run.steps_per_epoch))


def _at_end(name: str) -> Callable[..., float | None]:
    return lambda run: _at(run, name, run.total_steps)


def _at_best(name: str) -> Callable[..., float | None]:
    return lambda run: _at(run, name, run.summary.get("best_step"))


def _at(run: Outcome, name: str, step: int | None) -> float | None:
    found = at_evaluations(run, name)[run.test["step"] == (step or -1)]
    return _finite(found[0]) if len(found) else None


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
    return _finite(np.median(run.train["images_per_second"]))


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


MEASURES: Mapping[str, Measure] = {
    "final_accuracy": Measure("Final test accuracy", "%", 2, +1, _at_end("accuracy")),
    "final_loss": Measure("Final test loss", "nats", 3, -1, _at_end("loss")),
    "best_accuracy": Measure("Best checkpoint, test accuracy", "%", 2, +1, _at_best("accuracy")),
    "best_loss": Measure("Best checkpoint, test loss", "nats", 3, -1, _at_best("loss")),
    "area": Measure("Mean test loss over the run", "nats", 3, -1, area),
    "train_loss": Measure("Training loss", "nats", 3, -1, _train_part),
    "test_loss": Measure("Test loss", "nats", 3, -1, _test_part),
    "spike_height": Measure("Spike after a restart", "nats", 3, -1, _of_restarts("height")),
    "recovery": Measure("Recovery from a restart", "epochs", 1, -1, _of_restarts("recovery")),
    "restart_loss": Measure(
        "Training loss in the epoch after a restart", "nats", 3, -1, _of_restarts("after")
    ),
    "unrest": Measure("Unrest of the last quarter", "% of the fall", 1, -1, unrest),
    "highest_rate": Measure("Highest learning rate", "", 4, 0, _highest_rate),
    "steps_to": Measure("Steps to an accuracy", "", 0, -1, steps_to),
    "seconds": Measure("Time of a run", "s", 0, -1, _summary("seconds")),
    "images_per_second": Measure("Speed", "images/s", 0, +1, _speed),
}
"""Every measure that a claim may be about, by the name that the claim uses."""

"""The curves of loss and accuracy, with their intervals over the seeds."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes

from train.metric import Metric
from train.report.figures import canvas, papers
from train.report.numbers import words
from train.report.numbers.measures import at_evaluations, epoch_losses
from train.report.numbers.records import Cell, Outcome, Results
from train.report.numbers.statistics import estimate
from train.report.numbers.task_record import TaskRecord
from train.report.pages.page import Picture

Curve: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Epochs, and a value at each."""


def pictures(results: Results) -> Sequence[Picture]:
    """Returns one picture if all settings are one group.

    Otherwise there is one picture for each kind of curve, with a panel for each group.
    """
    names = list(dict.fromkeys(results.name_of(cell.labels) for cell in results.cells))
    if len(names) > canvas.MOST or not any(len(run.train["loss"]) for run in results.runs):
        return []
    x = papers.X.get(results.record.get("name", ""), "epoch")
    if len(results.groups) > 1:
        return [_by_group(results, names, of, x) for of in _curves(results.task)]

    known = _curves(results.task)
    figure, panels = canvas.panels(len(known), 1, 2.9, share_y=False, x=x)
    for axes, (unit, curve) in zip(panels, known.values(), strict=True):
        _draw(axes, results, names, results.cells, curve, x)
        axes.set_ylabel(unit)
    canvas.legend(figure, panels)

    after = [
        f"{_title(unit)} after {each}"
        for of, (unit, _) in known.items()
        if (each := _figure_of(results, of))
    ]
    said = f" ({'; '.join(after)})" if after else ""
    caption = f"Training and test over the run{said}. {_LINES}"
    ends = (f"{unit}: {_ends(results, curve)}" for unit, curve in known.values())
    alt = f"Curves over the {x}s, a panel each, with their values at the end. {'. '.join(ends)}."
    return [canvas.picture("curves", figure, caption, alt)]


def _by_group(results: Results, names: Sequence[str], of: str, x: str) -> Picture:
    unit, curve = _curves(results.task)[of]
    share_x = len({run.config.get("epochs") for run in results.runs if run.config}) < 2
    figure, panels = canvas.panels(len(results.groups), 2, 2.7, share_y=False, share_x=share_x, x=x)
    for axes, (group, cells) in zip(panels, results.groups.items(), strict=True):
        _draw(axes, results, names, cells, curve, x)
        axes.set_title(group, fontsize=10)
    for axes in panels[::2]:
        axes.set_ylabel(unit)
    canvas.legend(figure, panels)

    figure_of = _figure_of(results, of)
    said = f" (after {figure_of})" if figure_of else ""
    shared = [words.plain(axis) for axis in results.varied if axis not in results.compared]
    each = f"{'combination of ' if len(shared) > 1 else ''}{' / '.join(shared)}"
    caption = (
        f"{words.title(_title(unit))}{said}, a panel with a scale of its own for each {each}. "
        f"{_LINES}"
    )
    alt = f"Curves of {unit} over the {x}s. At the end: {_ends(results, curve)}."
    return canvas.picture(of, figure, caption, alt)


def _ends(results: Results, curve: Callable[[Outcome], Curve]) -> str:
    """Returns the last value of each curve."""
    ends: dict[str, float | None] = {}
    for cell in results.cells:
        values = [float(curve(run)[1][-1]) for run in cell.ended if len(curve(run)[1])]
        ends[words.labels(cell.labels, results.varied)] = estimate(values).mean
    return words.values(ends, 2 if results.task.loss_unit else 4)


def _title(unit: str) -> str:
    return unit.partition(",")[0]


def _figure_of(results: Results, of: str) -> str:
    return papers.CURVES.get((results.record.get("name", ""), of), "")


def _draw(
    axes: Axes,
    results: Results,
    names: Sequence[str],
    cells: Sequence[Cell],
    curve: Callable[[Outcome], Curve],
    x: str,
) -> None:
    drawn = []
    for cell in cells:
        name = results.name_of(cell.labels)
        colour, dashes = canvas.colour(names.index(name)), canvas.dashes(names.index(name))
        if cell.ended:
            epochs, mean, half = _mean_curve(cell, curve)
            places = epochs * _a_unit(cell.ended[0], x)
            marker = "." if len(epochs) <= _FEW else ""  # a line through one point is not seen
            axes.plot(places, mean, label=name, color=colour, linestyle=dashes, marker=marker)
            drawn.append(mean)
            if len(cell.ended) > 2:
                axes.fill_between(
                    places, mean - half, mean + half, color=colour, alpha=0.13, linewidth=0
                )
        for run in cell.runs:
            if run.has_ended and len(cell.ended) != 2:
                continue
            epochs, values = curve(run)
            places = epochs * _a_unit(run, x)
            style = "-" if run.has_ended else ":"
            axes.plot(places, values, color=colour, linestyle=style, linewidth=0.9, alpha=0.45)
            if not run.has_ended:
                axes.plot(places[-1:], values[-1:], "x", color=colour)
            drawn.append(values)
    seen = np.concatenate([np.array([]), *drawn])
    seen = seen[np.isfinite(seen)]
    if seen.size:  # a few spikes must not flatten the rest
        low, usual = seen.min(), np.percentile(seen, 90)
        high = min(seen.max(), low + 3 * (usual - low)) if usual > low else seen.max()
        margin = 0.1 * (high - low) or 0.1
        axes.set_ylim(low - margin, high + margin)


def _mean_curve(
    cell: Cell, curve: Callable[[Outcome], Curve]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Epochs, means over the seeds, and half of their intervals (NaN where there is none)."""
    found = [curve(run) for run in cell.ended]
    epochs = min((epochs for epochs, _ in found), key=len)
    columns = np.array([values[: len(epochs)] for _, values in found]).T
    estimates = [estimate(column) for column in columns]
    mean = np.array([each.mean for each in estimates], np.float64)
    return epochs, mean, np.array([each.half for each in estimates], np.float64)


def _a_unit(run: Outcome, x: str) -> int:
    return run.steps_per_epoch if x == "iteration" else 1


def _train_loss(run: Outcome) -> Curve:
    means = epoch_losses(run)
    return np.arange(1, len(means) + 1), means


def _test_loss(run: Outcome) -> Curve:
    return run.test["step"] / run.steps_per_epoch, run.test["loss"]


def _measure(run: Outcome, metric: Metric) -> Curve:
    return run.test["step"] / run.steps_per_epoch, at_evaluations(run, metric)


def _curves(task: TaskRecord) -> Mapping[str, tuple[str, Callable[[Outcome], Curve]]]:
    """Returns the title with its unit, and the function, of each curve."""
    return {
        "train_loss": (f"training loss{task.loss}", _train_loss),
        "test_loss": (f"test loss{task.loss}", _test_loss),
        **{
            f"test_{each.name}": (each.header, functools.partial(_measure, metric=each))
            for each in task.measures
        },
    }


_FEW = 20
_LINES = (
    "Line: mean over the seeds; band: its 95 % interval (Student's t); with two seeds, whose "
    "interval is too wide to draw, thin lines are the two runs. The frame cuts what is far above "
    "the rest. Training loss is the mean of each epoch. A dotted line that ends in a cross is a "
    "run that did not end. Of lines that lie on each other the last named is seen."
)

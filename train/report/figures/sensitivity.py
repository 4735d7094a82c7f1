"""The figures of a study of sensitivity: a curve for each axis, a heat map for each pair."""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from train.metric import Metric
from train.report.figures import canvas
from train.report.numbers import words
from train.report.numbers.comparisons import estimate_of
from train.report.numbers.records import Cell, Labels, Results
from train.report.pages.page import Picture


def pictures(results: Results) -> Sequence[Picture]:
    """Curves and heat maps, where the study is one of sensitivity."""
    if results.record.get("kind") != "sensitivity":
        return []
    centre = centre_of(results)
    return [*_curves(results, centre), *_maps(results, centre)]


def centre_of(results: Results) -> Labels:
    """Returns the setting around which the others lie.

    It has the baseline's labels, and along each other axis the label that most cells have.
    """
    counts = {axis: Counter(cell.labels[axis] for cell in results.cells) for axis in results.axes}
    return {axis: c.most_common(1)[0][0] for axis, c in counts.items()} | dict(results.baseline)


def around(results: Results, centre: Labels, free: Sequence[str]) -> Sequence[Cell]:
    """Returns the cells that have the centre's labels in all but the free axes."""
    return [
        cell
        for cell in results.cells
        if all(cell.labels[axis] == centre[axis] for axis in results.axes if axis not in free)
    ]


def _curves(results: Results, centre: Labels) -> Sequence[Picture]:
    axes_of = {axis: around(results, centre, [axis]) for axis in results.varied}
    axes_of = {axis: cells for axis, cells in axes_of.items() if len(cells) > 1}
    if not axes_of:
        return []

    metric, rows = results.task.first, -(-len(axes_of) // 2)
    figure = Figure(figsize=(canvas.WIDTH, 2.8 * rows), layout="constrained")
    panels = figure.subplots(rows, 2, sharey=True, squeeze=False).ravel()
    for axes, (axis, cells) in zip(panels, axes_of.items(), strict=False):
        known = [(cell.labels[axis], estimate_of(cell, metric.final)) for cell in cells]
        known = [(label, each) for label, each in known if each.mean is not None]
        places = canvas.ticks(axes, axis, [label for label, _ in known])
        means = [each.mean for _, each in known]
        halves = np.array([each.half for _, each in known], np.float64)  # NaN: no bar
        axes.errorbar(places, means, yerr=halves, fmt="o-", color="#0072b2", capsize=3)
        canvas.tidy(axes)
        axes.margins(x=0.06)

    low, high = panels[0].get_ylim()
    most = 100 if metric.unit == "%" else high
    panels[0].set_ylim(max(low, 0), min(high, most))  # wide intervals go beyond what there is
    for axes in panels[len(axes_of) :]:
        axes.set_visible(False)
    for axes in panels[::2]:
        axes.set_ylabel(f"final {metric.header}")

    fixed = words.labels(centre, results.varied)
    caption = (
        f"Final {metric.noun} as one setting is varied at a time, the others held at "
        f"{fixed}. Mean over the seeds; bar: 95 % interval (Student's t), none with one seed."
    )
    along = (f"{words.title(axis)} {_said(cells, [axis])}" for axis, cells in axes_of.items())
    alt = f"Final {_in_unit(metric)}, a panel for each setting. {'. '.join(along)}."
    return [canvas.picture("sensitivity", figure, caption, alt)]


def _said(cells: Sequence[Cell], axes: Sequence[str]) -> str:
    means = {
        f"at {' / '.join(cell.labels[axis] for axis in axes)}:": estimate_of(
            cell, cell.task.first.final
        ).mean
        for cell in cells
    }
    return words.values(means, cells[0].task.first.digits if cells else 0)


def _in_unit(metric: Metric) -> str:
    return f"{metric.noun} in {metric.unit}" if metric.unit else metric.noun


def _maps(results: Results, centre: Labels) -> Sequence[Picture]:
    found = []
    for one, two in itertools.combinations(results.varied, 2):
        cells = around(results, centre, [one, two])
        off = [c for c in cells if c.labels[one] != centre[one] and c.labels[two] != centre[two]]
        if off:
            found.append(_map(results, cells, one, two, centre))
    return found


def _map(results: Results, cells: Sequence[Cell], one: str, two: str, centre: Labels) -> Picture:
    rows, columns = (
        [label for label in results.axes[axis] if any(c.labels[axis] == label for c in cells)]
        for axis in (one, two)
    )
    metric, values = results.task.first, np.full((len(rows), len(columns)), np.nan)
    for cell in cells:
        mean = estimate_of(cell, metric.final).mean
        place = rows.index(cell.labels[one]), columns.index(cell.labels[two])
        values[place] = np.nan if mean is None else mean

    figure = Figure(
        figsize=(min(9, 3.2 + 1.1 * len(columns)), 1.6 + 0.6 * len(rows)), layout="constrained"
    )
    axes = figure.subplots()
    image = axes.imshow(values, cmap="Blues", aspect="auto")
    middle = (np.nanmin(values) + np.nanmax(values)) / 2 if np.isfinite(values).any() else 0
    for (row, column), value in np.ndenumerate(values):
        text = words.number(None if np.isnan(value) else value, metric.digits)
        axes.text(
            column, row, text, ha="center", va="center", color="white" if value > middle else "0.1"
        )
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel=words.title(two), ylabel=words.title(one))
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label=f"final {metric.header}")

    others = words.labels(centre, [axis for axis in results.varied if axis not in (one, two)])
    held = f"; held: {others}" if others else ""
    caption = (
        f"Final {metric.noun} by {words.plain(one)} and {words.plain(two)}, mean "
        f"over the seeds{held}. {words.NONE}: not run."
    )
    alt = (
        f"Heat map of the final {_in_unit(metric)}, {words.plain(one)} down and {words.plain(two)} "
        f"across. {_said(cells, [one, two])}."
    )
    return canvas.picture(f"map_{one}_{two}", figure, caption, alt)

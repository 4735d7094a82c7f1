"""The figures: how near each schedule comes to the best rates, and what those look like."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from train.optimum import Workload, ranked
from train.report.figures import canvas
from train.report.pages.page import Picture

_MARKERS = "osDv^P"


def ratios(found: Sequence[Workload]) -> Picture:
    """Returns the figure of the losses at the end: a row for each schedule, the nearest first."""
    order = ranked(found)
    figure = Figure(figsize=(canvas.WIDTH, 1.6 + 0.28 * len(order)), layout="constrained")
    axes = figure.subplots()
    for place, each in enumerate(found):
        axes.plot(
            [each.ratio(kind) for kind in order],
            range(len(order)),
            linestyle="none",
            marker=_MARKERS[place % len(_MARKERS)],
            color=canvas.colour(place),
            label=_label(each),
        )
    axes.axvline(1, color="0.2", linewidth=1)
    axes.set_xscale("log")
    top = max(each.ratio(kind) for each in found for kind in order)
    marks = [mark for mark in (1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100) if mark <= 1.1 * top]
    axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
    axes.minorticks_off()
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlabel("expected loss at the end, times the lowest that was found (logarithmic)")
    canvas.tidy(axes)
    canvas.legend(figure, [axes])
    ends = "; ".join(
        f"{_label(each)}: from {each.ratio(each.nearest):.2f} ({each.nearest}) to "
        f"{max(map(each.ratio, each.kinds)):.2f}"
        for each in found
    )
    return canvas.picture(
        "ratios",
        figure,
        "How near each schedule comes to the best rates, at its best base rate. 1 is the lowest "
        "loss that any rates were found to have.",
        f"Loss of each schedule as a multiple of the lowest. {ends}.",
    )


def rates(found: Sequence[Workload]) -> Picture:
    """Returns the figure of the best rates, a panel for each workload."""
    columns = min(3, len(found))
    figure, panels = canvas.panels(len(found), columns, 2.4, share_y=True, share_x=False, x="step")
    for axes, each in zip(panels, found, strict=True):
        _draw(axes, each)
    for axes in panels[::columns]:
        axes.set_ylabel("learning rate")
    canvas.legend(figure, panels)
    return canvas.picture(
        "best_rates",
        figure,
        "The best rates that were found, on a logarithmic scale. A rate of 2 is where descent "
        "along the steepest direction begins to diverge. The frame cuts rates below 0.01.",
        "Learning rates over the steps. "
        + " ".join(
            f"{_label(each)}: those that never rise begin at {each.falling.rates[0]:.2g}, are "
            f"{each.falling.rates[each.steps // 2]:.2g} in the middle and end at "
            f"{each.falling.rates[-1]:.2g}; the highest of any is {each.free.rates.max():.2g}."
            for each in found
        ),
    )


def _draw(axes: Axes, each: Workload) -> None:
    steps = np.arange(each.steps)
    axes.plot(steps, each.free.rates, color="0.8", linewidth=0.7, label="the best of any")
    axes.plot(steps, each.falling.rates, color="0.1", label="the best that never rise")
    axes.plot(
        steps,
        each.kinds[each.nearest].rates,
        color=canvas.colour(0),
        linestyle="--",
        label="the nearest schedule",
    )
    axes.set_yscale("log")
    axes.set_ylim(0.01, 40)
    axes.set_title(f"{_label(each)}\nnearest: {each.nearest}", fontsize=9)


def _label(each: Workload) -> str:
    return f"{each.steps:,} steps, noise {each.problem.noise:g}"

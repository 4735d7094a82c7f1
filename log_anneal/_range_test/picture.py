"""The picture of a range test. It needs matplotlib, which is imported where it is used."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from log_anneal._range_test.suggest import Curve, Suggestions, without_spikes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOSS, _ACCURACY = "tab:blue", "tab:orange"
_MARKS = {
    "steepest": ("steepest", "tab:red"),
    "valley": ("valley", "tab:green"),
    "minimum_tenth": ("minimum / 10", "tab:purple"),
}
_CHARACTERS = 105
"""The number of characters of a label that fit across a panel."""


class Measured(NamedTuple):
    """A number at each step of a range test, as it was and smoothed."""

    each: Curve
    smooth: Curve


def plot_range_test(
    rates: Curve,
    loss: Measured,
    accuracy: Measured | None,
    suggestions: Suggestions,
    *,
    has_stopped: bool,
) -> "Figure":
    """Draws loss and accuracy over the rate, each step pale, smoothed dark.

    The three rates that the loss suggests are marked above it, Smith's bounds above the accuracy.
    The rate's axis is logarithmic, but for a linear sweep. The loss is cut off where it is as far
    above its beginning as its lowest is below.

    Args:
      rates: [steps], rising.
      loss: [steps], of each batch before its update.
      accuracy: [steps], or None where the step gave none.
      suggestions: what is marked.
      has_stopped: whether the loss diverged at the last rate, which then gets a line.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    num_panels = 1 if accuracy is None else 2
    figure = Figure(figsize=(8, 0.8 + 3.2 * num_panels), layout="constrained")
    panels = figure.subplots(num_panels, 1, sharex=True, squeeze=False)[:, 0]
    figure.suptitle("Learning-rate range test: each step pale, their running mean dark")

    _draw(panels[0], rates, loss, _LOSS)
    panels[0].set_ylabel("loss")
    low, high = _limits(loss.each)
    panels[0].set_ylim(low, high)
    marks = [
        (rate, label, color)
        for name, (label, color) in _MARKS.items()
        if (rate := getattr(suggestions, name)) is not None
    ]
    _mark(panels[0], rates, loss.smooth, marks)

    if accuracy is not None:
        _draw(panels[1], rates, accuracy, _ACCURACY)
        panels[1].set_ylabel("accuracy")
        panels[1].set_ylim(bottom=0)
        panels[1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        if suggestions.bounds is not None:
            panels[1].axvspan(*suggestions.bounds, color=_ACCURACY, alpha=0.1, linewidth=0)
            names = ("lower bound", "upper bound")
            bounds = [(r, n, "0.35") for r, n in zip(suggestions.bounds, names, strict=True)]
            _mark(panels[1], rates, accuracy.smooth, bounds)
    if has_stopped:
        for axes in panels:
            axes.axvline(rates[-1], color="0.35", linewidth=1, linestyle="--", zorder=1)
        panels[0].annotate(
            "stopped ", (rates[-1], 0.02), xycoords=panels[0].get_xaxis_transform(),
            ha="right", va="bottom", color="0.35", fontsize=9,
        )  # fmt: skip
    panels[-1].set_xlabel("learning rate")
    return figure


def _draw(axes: "Axes", rates: Curve, measured: Measured, color: str) -> None:
    axes.plot(rates, measured.each, color=color, alpha=0.3, linewidth=0.8)
    axes.plot(rates, measured.smooth, color=color, linewidth=2.5, solid_capstyle="round")
    if not _is_linear(rates):
        axes.set_xscale("log")
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)


def _is_linear(rates: Curve) -> bool:
    return bool(np.allclose(np.diff(rates), np.ptp(rates) / max(len(rates) - 1, 1)))


def _limits(losses: Curve) -> tuple[float | None, float | None]:
    finite = losses[np.isfinite(losses)]
    if len(finite) < 2:
        return None, None
    cut = without_spikes(finite)
    margin = 0.05 * float(np.ptp(cut))
    return (float(cut.min()) - margin, float(cut.max()) + margin) if margin else (None, None)


def _mark(axes: "Axes", rates: Curve, level: Curve, marks: list[tuple[float, str, str]]) -> None:
    """Draws a dotted line and a dot for each mark, and labels above in the rows they need."""
    is_shown = np.isfinite(level)
    scale = (lambda rate: rate) if _is_linear(rates) else np.log
    x = scale(rates)
    ends: list[float] = []  # where the labels of each row end, the lowest row first
    for rate, label, color in sorted(marks):
        text = f"{label}  {rate:.2g}"
        at, half = scale(rate), len(text) * (x[-1] - x[0]) / _CHARACTERS / 2
        row = next((row for row, end in enumerate(ends) if end < at - half), len(ends))
        ends[row : row + 1] = [at + half]
        axes.axvline(rate, color=color, linewidth=1, linestyle=":", zorder=1)
        if rate >= rates[0]:
            value = np.interp(at, x[is_shown], level[is_shown])
            axes.plot([rate], [value], "o", color=color, markersize=8, markeredgecolor="white")
        axes.annotate(
            text, (rate, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 2 + 13 * row),
            textcoords="offset points", ha="center", va="bottom", color=color, fontsize=9,
        )  # fmt: skip

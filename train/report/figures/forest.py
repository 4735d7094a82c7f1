"""The figure of the differences from the baseline, with their intervals."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from train.metric import Metric
from train.report.figures import canvas
from train.report.numbers import words
from train.report.numbers.comparisons import Comparison, against_baseline
from train.report.numbers.records import Results
from train.report.pages.page import Picture

_MOST = 40
_BETTER, _WORSE, _OPEN = ("#0072b2", ">"), ("#d55e00", "<"), ("0.45", "o")
"""Colour and marker: told apart by the colour-blind, and in print without colours."""


def differences(results: Results) -> Sequence[Picture]:
    """Returns the figure of the paired differences, with the best of each group first."""
    metric = results.task.first
    tests = [t for t in against_baseline(results, metric.final) if t.difference.mean is not None]
    if not 0 < len(tests) <= _MOST:
        return []
    groups: dict[str, list[Comparison]] = {}
    for test in tests:
        groups.setdefault(results.group_of(test.cell.labels), []).append(test)

    rows = len(tests) + (len(groups) if len(groups) > 1 else 0)
    figure = Figure(figsize=(canvas.WIDTH, 1.4 + 0.3 * rows), layout="constrained")
    axes = figure.subplots()
    name, labels = results.name_of(results.baseline), []
    for group, of_group in groups.items():
        if len(groups) > 1:
            labels.append(group)
        for test in sorted(of_group, key=_lead, reverse=results.is_whole):
            _draw(axes, test, len(labels))
            labels.append(results.name_of(test.cell.labels))

    axes.axvline(0, color="0.2", linewidth=1)
    axes.set_yticks(range(len(labels)), labels)
    for label, text in zip(axes.get_yticklabels(), labels, strict=True):
        label.set_fontweight("bold" if len(groups) > 1 and text in groups else "normal")
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.annotate(
        f"0: as {name}", (0, 1), (0, 3), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="center", va="bottom", fontsize="small",
    )  # fmt: skip
    axes.set_xlabel(f"{_of(metric)} above {name}, with the same seed")
    canvas.tidy(axes)
    axes.margins(x=0.05)
    _legend(figure, tests)
    return [
        canvas.picture("differences", figure, _caption(metric, name), _alt(results, name, groups))
    ]


def _draw(axes: Axes, test: Comparison, place: int) -> None:
    colour, marker = _kind(test)
    by = test.difference
    axes.errorbar(
        [_mean_difference(test)],
        [place],
        xerr=by.half,
        fmt=marker,
        color=colour,
        capsize=3,
        markersize=7,
    )


def _kind(test: Comparison) -> tuple[str, str]:
    if not test.is_significant:
        return _OPEN
    return _BETTER if test.is_better else _WORSE


def _mean_difference(test: Comparison) -> float:
    return test.difference.mean or 0.0


def _lead(test: Comparison) -> float:
    return test.lead.mean or 0.0


def _of(metric: Metric) -> str:
    """Writes what the axis counts: `points of final test accuracy`."""
    unit = words.unit(metric.unit)
    return f"{unit} of final {metric.noun}" if unit else f"final {metric.noun}"


def _legend(figure: Figure, tests: Sequence[Comparison]) -> None:
    said = {_BETTER: "better", _WORSE: "worse", _OPEN: "not significant"}
    drawn = {_kind(test) for test in tests}
    lines = {
        Line2D([], [], color=kind[0], marker=kind[1], linestyle="-", markersize=7): text
        for kind, text in said.items()
        if kind in drawn
    }
    figure.legend(lines.keys(), lines.values(), loc="outside upper center", ncols=3, frameon=False)


def _caption(metric: Metric, name: str) -> str:
    return (
        f"Final {metric.noun} less that of {name} with the same seed: mean and 95 % interval over "
        "the seeds, before correction. Better and worse: significant at 5 % after Holm's "
        "correction. A point without a bar has no interval: one seed, or equal differences."
    )


def _alt(results: Results, name: str, groups: dict[str, list[Comparison]]) -> str:
    said, metric = [], results.task.first
    for group, tests in groups.items():
        means = {
            f"{results.name_of(test.cell.labels)}": test.difference.mean
            for test in sorted(tests, key=_lead, reverse=results.is_whole)
        }
        where = f"{group}: " if group else ""
        said.append(f"{where}{words.values(means, metric.digits, signed=True)}")
    of = _of(metric)
    return f"{of[:1].upper()}{of[1:]} above {name}, with 95 % intervals. {'. '.join(said)}."

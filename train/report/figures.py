"""The figures of the learning rates and of the differences from the baseline."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from train.report import after, canvas
from train.report.comparisons import against_baseline
from train.report.page import Picture
from train.report.records import Run, Study

_MOST_DIFFERENCES, _MOST_GROUPS = 40, 6


def schedules(study: Study) -> Sequence[Picture]:
    """The learning rates as used: a picture for each group whose schedules are its own."""
    distinct: dict[str, tuple[list[str], dict[str, Run]]] = {}
    for group, cells in study.groups.items():
        longest = {study.name_of(c.labels): max(c.runs, key=_length) for c in cells}
        runs = {name: run for name, run in longest.items() if _length(run)}
        if 0 < len(runs) <= canvas.MOST:
            key = json.dumps([(name, run.config.get("schedule")) for name, run in runs.items()])
            distinct.setdefault(key, ([], runs))[0].append(group)
    return [
        _schedules(study, f"schedules_{place}", groups, runs)
        for place, (groups, runs) in enumerate(list(distinct.values())[:_MOST_GROUPS], 1)
    ]


def _schedules(study: Study, name: str, groups: Sequence[str], runs: Mapping[str, Run]) -> Picture:
    columns = min(3, len(runs))
    figure, panels = canvas.panels(len(runs), columns, 2.1, share_y=True)
    for place, (axes, label) in enumerate(zip(panels, runs, strict=True)):
        for other in runs.values():
            axes.plot(*_rates(other), color="0.85", linewidth=0.7, zorder=1)
        axes.plot(*_rates(runs[label]), color=canvas.colour(place), linewidth=1.4, zorder=2)
        axes.set_title(label, fontsize=10)
    for axes in panels[::columns]:
        axes.set_ylabel("learning rate")
    top = max(float(_rates(run)[1].max()) for run in runs.values())
    panels[0].set_ylim(-0.04 * top, 1.04 * top)  # so that a line at 0 is seen
    of = f" of {'; '.join(groups)}" if any(groups) else ""
    papers = after.SCHEDULES.get(study.record.get("name", ""))
    said = f" (after {papers})" if papers else ""
    caption = (
        f"The learning rate{of} at each step, as it was used{said}; each panel shows one setting "
        "in colour, and all the others in grey."
    )
    return canvas.picture(name, figure, caption)


def differences(study: Study) -> Sequence[Picture]:
    """The paired differences from the baseline, with their intervals."""
    found = [each for each in against_baseline(study) if each.measure == "final_accuracy"]
    known = [(each, each.difference.mean) for each in found if each.difference.mean is not None]
    if not 0 < len(known) <= _MOST_DIFFERENCES:
        return []
    figure = Figure(figsize=(canvas.WIDTH, 1.2 + 0.32 * len(known)), layout="constrained")
    axes = figure.subplots()
    labels = []
    for place, (each, mean) in enumerate(known):
        colour = canvas.colour(0) if each.is_significant else "0.45"
        axes.errorbar(mean, place, xerr=each.difference.half, fmt="o", color=colour, capsize=3)
        parts = study.group_of(each.cell.labels), study.name_of(each.cell.labels)
        labels.append(" / ".join(filter(None, parts)))
    axes.axvline(0, color="0.2", linewidth=0.8)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    name = study.name_of(study.baseline)
    axes.set_xlabel(f"final test accuracy less that of {name}, points")
    canvas.tidy(axes)
    caption = (
        f"Final test accuracy less that of {name} with the same seed: mean and 95 % interval over "
        "the seeds, before correction. Blue: significant at 5 % after Holm's correction. A point "
        "without a bar has no interval: one seed, or equal differences."
    )
    return [canvas.picture("differences", figure, caption)]


def _rates(run: Run) -> tuple[np.ndarray, np.ndarray]:
    rates = run.train["learning_rate"]
    return np.arange(len(rates)) / run.steps_per_epoch, rates


def _length(run: Run) -> int:
    return len(run.train["loss"])

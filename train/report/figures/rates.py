"""The figures of the learning rates: as the runs used them, and as range tests tried them."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from train.report.figures import canvas, papers
from train.report.numbers.records import Outcome, Results
from train.report.pages.page import Picture

_MOST_GROUPS, _MOST_PANELS = 6, 24


def schedules(results: Results) -> Sequence[Picture]:
    """Returns a picture of the learning rates as used, for each group with schedules of its own."""
    distinct: dict[str, tuple[list[str], dict[str, Outcome]]] = {}
    for group, cells in results.groups.items():
        longest = {results.name_of(c.labels): max(c.runs, key=_length) for c in cells}
        runs = {name: run for name, run in longest.items() if _length(run)}
        if 0 < len(runs) <= _MOST_PANELS:
            key = json.dumps([(name, run.config.get("schedule")) for name, run in runs.items()])
            distinct.setdefault(key, ([], runs))[0].append(group)
    return [
        _schedules(results, f"schedules_{place}", groups, runs)
        for place, (groups, runs) in enumerate(list(distinct.values())[:_MOST_GROUPS], 1)
    ]


def _schedules(
    results: Results, name: str, groups: Sequence[str], runs: Mapping[str, Outcome]
) -> Picture:
    columns = min(3, len(runs))
    figure, panels = canvas.panels(len(runs), columns, 2.1, share_y=True)
    for place, (axes, label) in enumerate(zip(panels, runs, strict=True)):
        for other in runs.values():
            axes.plot(*_rates_over_epochs(other), color="0.85", linewidth=0.7, zorder=1)
        axes.plot(
            *_rates_over_epochs(runs[label]), color=canvas.colour(place), linewidth=1.4, zorder=2
        )
        axes.set_title(label, fontsize=10)
    for axes in panels[::columns]:
        axes.set_ylabel("learning rate")
    top = max(float(_rates_over_epochs(run)[1].max()) for run in runs.values())
    panels[0].set_ylim(-0.04 * top, 1.04 * top)  # so that a line at 0 is seen

    of = f" of {'; '.join(groups)}" if any(groups) else ""
    figure_of = papers.SCHEDULES.get(results.record.get("name", ""))
    said = f" (after {figure_of})" if figure_of else ""
    caption = (
        f"The learning rate{of} at each step, as it was used{said}; each panel shows one setting "
        "in colour, and all the others in grey."
    )
    spans = (
        f"{label}: {rates[0]:.2g} at first, {rates.max():.2g} at most, {rates[-1]:.2g} at the end"
        for label, (_, rates) in ((label, _rates_over_epochs(run)) for label, run in runs.items())
    )
    alt = f"Learning rate over the epochs{of}, a panel each. {'; '.join(spans)}."
    return canvas.picture(name, figure, caption, alt)


def range_tests(results: Results) -> Sequence[Picture]:
    """Returns the pictures that the study's range tests have drawn."""
    found = []
    for place, entry in enumerate(results.record.get("range_test") or [], 1):
        path = results.folder / entry["folder"] / "range_test.png"
        if not path.exists():
            continue
        low, high = entry["bounds"]
        which = (
            "which it suggests"
            if entry["suggested"]
            else "the study's own, as the test showed none"
        )
        of = "loss and accuracy" if results.task.first.unit == "%" else "loss"
        caption = (
            f"The range test of {entry['label']} (after Smith 2015's, who takes test accuracy): "
            f"{of} of the training batches as the learning rate rises. The runs used "
            f"the bounds {low:.2g} to {high:.2g}, {which}."
        )
        alt = (
            f"{of.capitalize()} of the training batches of {entry['label']} over a rising learning "
            f"rate. The bounds that were used are {low:.2g} and {high:.2g}."
        )
        draw = functools.partial(_reduced, path)
        found.append(Picture(f"range_test_{place}", draw, caption, alt))
    return found


def _reduced(path: Path) -> bytes:
    with Image.open(path) as image:
        return canvas.small(image)


def _rates_over_epochs(run: Outcome) -> tuple[np.ndarray, np.ndarray]:
    rates = run.train["learning_rate"]
    return np.arange(len(rates)) / run.steps_per_epoch, rates


def _length(run: Outcome) -> int:
    return len(run.train["loss"])

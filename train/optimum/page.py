"""The page of the comparison with the best rates: `report.html`, `report.md` and `optimum.json`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.folder.files import write_atomically
from train.optimum import Workload, figures, mean, ranked
from train.report.numbers import words
from train.report.pages.html_page import to_html
from train.report.pages.markdown_page import to_markdown
from train.report.pages.page import Block, Bullets, Heading, Paragraph, Picture, Strong, Table

MINUS = "\u2212"
_TITLE = "How far from the best possible rates? Every schedule on least squares"


def write(folder: Path, found: Sequence[Workload], *, study: str) -> None:
    """Writes `report.html`, `report.md`, `figures/*.png` and `optimum.json`.

    Args:
      folder: gets the files, and is made.
      found: what was computed, at least one workload.
      study: the name of the study whose schedules were tried.
    """
    blocks = _blocks(found)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for block in blocks:
        if isinstance(block, Picture):
            write_atomically(folder / "figures" / f"{block.name}.png", block.png)
    record = json.dumps(_record(found, study), allow_nan=False)
    for name, content in (
        ("optimum.json", f"{record}\n"),
        ("report.md", to_markdown(_TITLE, blocks)),
        ("report.html", to_html(_TITLE, blocks)),
    ):
        write_atomically(folder / name, content.encode())


def sentences(found: Sequence[Workload]) -> Sequence[str]:
    """Returns the result: who comes nearest to the best rates over all, then for each workload."""
    order = ranked(found)
    first, second, last = order[0], order[min(1, len(order) - 1)], order[-1]
    said = [
        f"Of {len(order)} schedules, each at its best base rate, {_quoted(first)} comes nearest "
        f"to the best possible rates: over {len(found)} workloads it ends with "
        f"{_times(mean(found, first))} the lowest loss that was found (geometric mean). Then "
        f"comes {_quoted(second)}, with {_times(mean(found, second))}. The farthest is "
        f"{_quoted(last)}, with {_times(mean(found, last))}."
    ]
    for each in found:
        near = sorted(each.kinds, key=each.ratio)
        first, second = near[0], near[min(1, len(near) - 1)]
        said.append(
            f"{_name(each)}: {_quoted(first)} has {_times(each.ratio(first))} the lowest loss, and "
            f"{_quoted(second)} {_times(each.ratio(second))}. The best rates that never rise have "
            f"{_times(each.falling.loss / each.best)}."
        )
    return said


def _blocks(found: Sequence[Workload]) -> Sequence[Block]:
    problem = found[0].problem
    first, *rest = sentences(found)
    return [
        Paragraph(first, "result"),
        Bullets(rest),
        Heading("What was computed"),
        Paragraph(
            f"A linear model with {problem.size} weights learns by SGD, in batches of "
            f"{problem.batch_size} new examples. The variance of the i-th input is i to the power "
            f"of {MINUS}{problem.decay:g}, and the signal's share along it falls by the power of "
            f"{MINUS}{problem.source:g}: networks have such spectra. For this problem the "
            "expected loss after any rates is known without scatter, and so is its slope along "
            "the rate of every step. Hence the best rates can be searched for by descent, and each "
            "schedule's distance from them is a number."
        ),
        Bullets(
            [
                "Each schedule is a shape times a base rate. The base rate is its best of 64 over "
                "four decades, and then of 64 around that.",
                "The noise is the variance of the labels' noise, as a share of the signal's.",
                "The loss is the expected excess loss: 0 is what the best weights have. A ratio is "
                "a loss over the lowest one that was found for the same noise and length.",
                "The loss is not convex in the rates. The search starts from two places, and finds "
                "the best of its neighbourhood. The lowest loss that exists may be lower still, "
                "and never higher. What the other start ended with stands in the table below.",
                "Rates far above 2, where a single step of descent diverges, can help where there "
                "is little noise: later steps undo what they throw about. Where there is no "
                "noise, searches from different starts end at very different losses.",
                "This is a convex problem without depth. It says what a schedule has to do about "
                "noise and flat directions, and nothing about warming up or generalizing.",
            ]
        ),
        Heading("Results"),
        _ratios(found),
        figures.ratios(found),
        figures.rates(found),
        Heading("How sure the searches are"),
        _searches(found),
    ]


def _ratios(found: Sequence[Workload]) -> Table:
    rows = [["the best rates that never rise", *(_ratio(e.falling.loss / e.best) for e in found)]]
    for kind in ranked(found):
        cells = []
        for each in found:
            text = f"{_ratio(each.ratio(kind))} (at {each.kinds[kind].rates.max():.2g})"
            cells.append(Strong(text) if kind == each.nearest else text)
        rows.append([kind, *cells])
    return Table(
        "Loss at the end, as a multiple of the lowest that was found (and the highest rate)",
        ["Schedule", *map(_name, found)],
        rows,
        note="Bold: the nearest of the schedules. The rows are ordered by their geometric mean.",
    )


def _searches(found: Sequence[Workload]) -> Table:
    rows = [
        [
            _name(each),
            which,
            f"{search.loss:.5g}",
            ", ".join(f"{loss:.5g}" for loss in search.others),
            f"{search.slope:.0e}",
        ]
        for each in found
        for which, search in (("any", each.free), ("never rise", each.falling))
    ]
    return Table(
        "The lowest losses, as shares of the loss at the start",
        ["Workload", "Rates", "Lowest loss", "From the other start", "Slope left"],
        rows,
        num_text=2,
        note="The slope is the largest of the loss's logarithm along any variable of the search; "
        "at a minimum it is 0.",
    )


def _record(found: Sequence[Workload], study: str) -> Mapping[str, Any]:
    return {
        "study": study,
        "sentences": list(sentences(found)),
        "workloads": [
            {
                "steps": each.steps,
                **{name: getattr(each.problem, name) for name in each.problem.__annotations__},
                "lowest_loss": _rounded(each.best),
                "falling": _rounded(each.falling.loss / each.best),
                "kinds": {label: _rounded(each.ratio(label)) for label in each.kinds},
                "best_rates": [_rounded(rate) for rate in each.free.rates],
                "best_falling_rates": [_rounded(rate) for rate in each.falling.rates],
            }
            for each in found
        ],
    }


def _name(each: Workload) -> str:
    return f"{each.steps:,} steps, noise {each.problem.noise:g}"


def _quoted(label: str) -> str:
    """Writes a label in a sentence: one with a comma in it stands in quotation marks."""
    return f"\u201c{label}\u201d" if "," in label else label


def _times(ratio: float) -> str:
    return f"{_ratio(ratio)} times"


def _ratio(ratio: float) -> str:
    return words.number(ratio, 2)


def _rounded(value: float) -> float:
    """Rounds to four digits: later ones depend on where the search was stopped."""
    return float(f"{value:.4g}")

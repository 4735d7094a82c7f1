"""The tables of results."""

from collections.abc import Sequence

from train.metric import Metric
from train.report.numbers import words
from train.report.numbers.comparisons import (
    Comparison,
    against_baseline,
    clear_best,
    estimate_of,
    primary,
)
from train.report.numbers.measures import area, best_reached, measures_of, part_of, steps_to
from train.report.numbers.records import Cell, Results
from train.report.numbers.statistics import estimate
from train.report.pages.page import Block, Paragraph, Strong, Table

_FRACTIONS = (0.8, 0.9, 0.95)


def headers_of(results: Results) -> list[str]:
    """Returns the headers of the columns that name a setting."""
    return [words.title(axis) for axis in results.varied]


def labels_of(results: Results, cell: Cell) -> list[str]:
    """Returns the cells of a row that name a setting."""
    return [cell.labels[axis] for axis in results.varied]


def accuracy_and_loss(results: Results) -> Table:
    """Returns the table of the final and best measures and losses."""
    task, known = results.task, measures_of(results.task)
    finals, bests = ([getattr(each, at) for each in task.measures] for at in ("final", "best"))
    names = (*finals, "final_loss", *bests, "best_loss")
    best = {
        (group, name): clear_best(results, group, name)
        for group in results.groups
        for name in names
    }
    rows = []
    for cell in results.cells:
        row = [*labels_of(results, cell), f"{len(cell.ended)} of {len(cell.runs)}"]
        for name in names:
            found = estimate_of(cell, name)
            text = words.mean(found, known[name].digits)
            if 1 < found.n < len(cell.ended):  # the others were not finite
                text += f" (n = {found.n})"
            is_best = best[results.group_of(cell.labels), name] is cell
            row.append(Strong(text) if is_best else text)
        rows.append(row)

    note = (
        "Mean ± half of the 95 % interval (Student's t) over the n seeds whose runs ended; "
        "where a number was not finite, the n of the others stands beside it. Bold: the best of "
        "its group, where each test of it against another row is significant after the correction. "
        f"{family(results)} The best checkpoint was chosen without the test {task.noun}: by a "
        "validation split, or without one by the training loss."
    )
    headers = [*headers_of(results), "n", *(known[name].header for name in names)]
    title = words.listed([*(each.title for each in task.measures), "loss"])
    caption = f"{title[:1].upper()}{title[1:]} on the test {task.noun}"
    return Table(caption, headers, rows, len(results.varied), note)


def family(results: Results) -> str:
    """Says what the p-values are corrected for, in one sentence for all tables."""
    if not results.is_whole:
        return "Nothing is tested before all planned runs are done."
    if results.record.get("kind") == "sensitivity":
        pairs = "the pairs of a setting and the default"
    else:
        pairs = "all pairs of rows of its group"
    return (
        f"Holm's correction of a measure is over {pairs}, so that a pair has the same corrected p "
        "wherever it stands."
    )


def differences(results: Results) -> Sequence[Block]:
    """Returns the tables of paired differences from the baseline."""
    found = {measure: against_baseline(results, measure) for measure in primary(results)}
    if not any(found.values()):
        return [
            Paragraph(
                "The study names no baseline, or nothing beside it, so nothing is compared with it."
            )
        ]

    name = results.name_of(results.baseline) or "the baseline"
    blocks: list[Block] = [
        Paragraph(
            "Each difference is between two runs of the same seed, and its mean is over the pairs. "
            "The test is a two-sided paired t-test. “Detectable” is the difference that this test, "
            "before the correction, would have called significant with 80 % probability. It "
            f"follows from how far the pairs scatter. {family(results)} Bold where it leaves p "
            "below 0.05. With one pair, or where all pairs differ by the same amount, there is no "
            "test."
        )
    ]
    for measure, tests in found.items():
        known = measures_of(results.task)[measure]
        headers = [
            *headers_of(results),
            "Pairs",
            _with_unit("Difference", words.unit(known.unit)),
            "95 % interval",
            _with_unit("Detectable", words.unit(known.unit)),
            "p",
            "p, Holm",
        ]
        better = "above" if known.better > 0 else "below"
        caption = f"{known.title} less that of {name} ({better} 0 is better)"
        rows = [_difference(results, each, known.digits) for each in tests]
        blocks.append(Table(caption, headers, rows, len(results.varied)))

    return blocks


def _difference(results: Results, each: Comparison, digits: int) -> Sequence[str]:
    by = each.difference
    return [
        *labels_of(results, each.cell),
        str(by.n),
        _bold(words.number(by.mean, digits, signed=True), each.is_significant),
        words.interval(by, digits),
        words.number(by.detectable, digits),
        words.probability(None if each.p is None else by.p),
        _bold(words.probability(each.p), each.is_significant),
    ]


def anytime(results: Results) -> Sequence[Block]:
    """Returns the table of how good the runs are before their end."""
    rows, metric, known = [], results.task.first, measures_of(results.task)
    for cells in results.groups.values():
        best = best_reached(cells)
        for cell in cells:
            row = [
                *labels_of(results, cell),
                words.mean(estimate(map(area, cell.ended)), known["area"].digits),
            ]
            for fraction in _FRACTIONS:
                row.append(
                    _reached(cell, None if best is None else part_of(metric, best, fraction))
                )
            rows.append([*row, words.number(best, metric.digits)])
    note = (
        "The mean test loss over the run is the area under its curve over the evaluations, over "
        "their span. Steps are counted at evaluations, and are a mean over the seeds that got "
        f"there; in brackets how many, where not all did. The best is the {metric.top} "
        f"{metric.noun} that any run of the group showed at any time: a mark to measure by, not a "
        "result."
    )
    headers = [
        *headers_of(results),
        known["area"].header,
        *(f"Steps to {_part(metric, fraction)}" for fraction in _FRACTIONS),
        _with_unit("The best", metric.unit),
    ]
    return [Table("Before the end", headers, rows, len(results.varied), note)]


def cost(results: Results) -> Table:
    """Returns the table of time and size. Only these numbers and the date depend on the machine."""
    rows, known = [], measures_of(results.task)
    speed = results.task.speed
    for cell in results.cells:
        sizes = {run.summary.get("parameters") for run in cell.ended}
        parameters = f"{sizes.pop():,}" if len(sizes) == 1 and None not in sizes else words.NONE
        times = [words.number(estimate_of(cell, name).mean, 0) for name in ("seconds", speed)]
        rows.append([*labels_of(results, cell), parameters, *times])
    note = (
        "Means over the runs that ended. Time holds compilation and evaluation too; speed is the "
        "median over the training steps alone."
    )
    headers = [
        *headers_of(results),
        "Parameters",
        known["seconds"].header,
        known[speed].header,
    ]
    return Table("Cost of a run", headers, rows, len(results.varied), note)


def _with_unit(title: str, unit: str) -> str:
    """Writes a title with a unit behind it, if there is one."""
    return f"{title}, {unit}" if unit else title


def _part(metric: Metric, fraction: float) -> str:
    """Names a mark: `80 % of the best`, or `1.25 times the best` where lower is better."""
    if metric.better > 0:
        return f"{100 * fraction:.0f} % of the best"
    return f"{1 / fraction:.3g} times the best"


def _reached(cell: Cell, accuracy: float | None) -> str:
    if accuracy is None or not cell.ended:
        return words.NONE
    steps = [
        step for run in cell.ended if (step := steps_to(run, accuracy, cell.task.first)) is not None
    ]
    if not steps:
        return "never"
    text = words.number(estimate(steps).mean, 0)
    return text if len(steps) == len(cell.ended) else f"{text} ({len(steps)} of {len(cell.ended)})"


def _bold(text: str, is_bold: bool) -> str:
    return Strong(text) if is_bold else text

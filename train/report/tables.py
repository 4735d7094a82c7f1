"""The tables of results."""

from collections.abc import Sequence

from train.report.numbers import words
from train.report.numbers.comparisons import (
    PRIMARY,
    Comparison,
    against_baseline,
    clear_best,
    estimate_of,
)
from train.report.numbers.measures import MEASURES, area, best_reached, restarts, steps_to
from train.report.numbers.records import Cell, Results
from train.report.numbers.statistics import estimate
from train.report.pages.page import Block, Paragraph, Strong, Table

_FRACTIONS = (0.8, 0.9, 0.95)
_MOST_RESTARTS = 6


def accuracy_and_loss(results: Results) -> Table:
    """Returns the table of final and best accuracy and loss."""
    names = ("final_accuracy", "final_loss", "best_accuracy", "best_loss")
    best = {
        (group, name): clear_best(results, group, name)
        for group in results.groups
        for name in names
    }
    rows = []
    for cell in results.cells:
        row = [*_labels(results, cell), f"{len(cell.ended)} of {len(cell.runs)}"]
        for name in names:
            found = estimate_of(cell, name)
            text = words.mean(found, MEASURES[name].digits)
            if 1 < found.n < len(cell.ended):  # the others were not finite
                text += f" (n = {found.n})"
            is_best = best[results.group_of(cell.labels), name] is cell
            row.append(Strong(text) if is_best else text)
        rows.append(row)

    note = (
        "Mean ± half of the 95 % interval (Student's t) over the n seeds whose runs ended; "
        "where a number was not finite, the n of the others stands beside it. Bold: the best of "
        "its group, where each test of it against another row is significant after the correction. "
        f"{family(results)} The best checkpoint was chosen without the test images: by a "
        "validation split, or without one by the training loss."
    )
    headers = [*_headers(results), "n", *(MEASURES[name].header for name in names)]
    return Table("Accuracy and loss on the test images", headers, rows, len(results.varied), note)


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
    found = {measure: against_baseline(results, measure) for measure in PRIMARY}
    if not any(found.values()):
        return [
            Paragraph(
                "The study names no baseline, or nothing beside it, so nothing is compared with it."
            )
        ]

    name = results.name_of(results.baseline) or "the baseline"
    blocks: list[Block] = []
    for measure, tests in found.items():
        known = MEASURES[measure]
        headers = [
            *_headers(results),
            "Pairs",
            f"Difference, {words.unit(known.unit)}",
            "95 % interval",
            "Detectable",
            "p",
            "p, Holm",
        ]
        better = "above" if known.better > 0 else "below"
        caption = f"{known.title} less that of {name} ({better} 0 is better)"
        rows = [_difference(results, each, known.digits) for each in tests]
        blocks.append(Table(caption, headers, rows, len(results.varied)))

    blocks.append(
        Paragraph(
            "Each difference is between two runs of the same seed; the mean is over the pairs, the "
            "test is a two-sided paired t-test. Detectable: the difference that the test, "
            "uncorrected, would have called significant with 80 % probability, as the pairs "
            f"scatter. {family(results)} Bold where it leaves p below 0.05. With one pair, or "
            "where all pairs differ by the same amount, there is no test."
        )
    )
    return blocks


def _difference(results: Results, each: Comparison, digits: int) -> Sequence[str]:
    by = each.difference
    return [
        *_labels(results, each.cell),
        str(by.n),
        _bold(words.number(by.mean, digits, signed=True), each.is_significant),
        words.interval(by, digits),
        words.number(by.detectable, digits),
        words.probability(None if each.p is None else by.p),
        _bold(words.probability(each.p), each.is_significant),
    ]


def anytime(results: Results) -> Sequence[Block]:
    """Returns the table of how good the runs are before their end."""
    rows = []
    for cells in results.groups.values():
        best = best_reached(cells)
        for cell in cells:
            row = [*_labels(results, cell), words.mean(estimate(map(area, cell.ended)), 3)]
            for fraction in _FRACTIONS:
                row.append(_reached(cell, None if best is None else fraction * best))
            rows.append([*row, words.number(best, 2)])
    note = (
        "The mean test loss over the run is the area under its curve over the evaluations, over "
        "their span. Steps are counted at evaluations, and are a mean over the seeds that got "
        "there; in brackets how many, where not all did. The best is the highest test accuracy "
        "that any run of the group showed at any time: a mark to measure by, not a result."
    )
    headers = [
        *_headers(results),
        MEASURES["area"].header,
        *(f"Steps to {fraction:.0%} of the best".replace("%", " %") for fraction in _FRACTIONS),
        "The best, %",
    ]
    return [Table("Before the end", headers, rows, len(results.varied), note)]


def at_restarts(results: Results) -> Sequence[Block]:
    """Returns the table of what each restart did to the training loss."""
    rows = []
    for cell in results.cells:
        found = [restarts(run) for run in cell.ended]
        for step in sorted({step for each in found for step in each})[:_MOST_RESTARTS]:
            these = [restart for each in found if (restart := each.get(step)) is not None]
            back = [each.recovery for each in these if each.recovery is not None]
            epoch = words.number(step / cell.ended[0].steps_per_epoch, 1)
            some = "" if len(these) == len(found) else f" ({len(these)} of {len(found)})"
            rows.append(
                [
                    *_labels(results, cell),
                    f"{epoch}{some}",
                    words.mean(estimate(each.before for each in these), 3),
                    words.mean(estimate(each.height for each in these), 3),
                    _recovery(back, len(these)),
                ]
            )

    if not rows:
        return [Paragraph("In no run that ended does the rate jump up at a restart.")]
    note = (
        "Means of the training loss over windows of a tenth of an epoch (at least five steps). "
        "Spike: the highest window up to the next restart, less the last window before the "
        "restart. Recovery: from the restart to the first window, after the highest, that is no "
        "higher than the one before the restart. Single windows scatter, so that a small spike is "
        f"seen where there is none. The first {_MOST_RESTARTS} restarts at most, and none where a "
        "cycle begins without a jump of the rate, as a triangle does. In brackets in how many of "
        "the runs, where not in all: another went on with another schedule, or its loss was not "
        "finite. What a run did after a halt counts to the restart before it; the batch that "
        "halted it, whose step was not made, does not."
    )
    headers = [
        *_headers(results),
        "Restart at epoch",
        "Loss before, nats",
        "Spike, nats",
        "Recovery, epochs",
    ]
    return [Table("At each restart", headers, rows, len(results.varied), note)]


def cost(results: Results) -> Table:
    """Returns the table of time and size. Only these numbers and the date depend on the machine."""
    rows = []
    for cell in results.cells:
        sizes = {run.summary.get("parameters") for run in cell.ended}
        parameters = f"{sizes.pop():,}" if len(sizes) == 1 and None not in sizes else words.NONE
        times = [
            words.number(estimate_of(cell, name).mean, 0)
            for name in ("seconds", "images_per_second")
        ]
        rows.append([*_labels(results, cell), parameters, *times])
    note = (
        "Means over the runs that ended. Time holds compilation and evaluation too; speed is the "
        "median over the training steps alone."
    )
    headers = [
        *_headers(results),
        "Parameters",
        MEASURES["seconds"].header,
        MEASURES["images_per_second"].header,
    ]
    return Table("Cost of a run", headers, rows, len(results.varied), note)


def _reached(cell: Cell, accuracy: float | None) -> str:
    if accuracy is None or not cell.ended:
        return words.NONE
    steps = [step for run in cell.ended if (step := steps_to(run, accuracy)) is not None]
    if not steps:
        return "never"
    text = words.number(estimate(steps).mean, 0)
    return text if len(steps) == len(cell.ended) else f"{text} ({len(steps)} of {len(cell.ended)})"


def _recovery(back: Sequence[float], count: int) -> str:
    if not count:
        return words.NONE
    if not back:
        return "not in the cycle"
    if len(back) == count:
        return words.mean(estimate(back), 2)
    return f"{words.number(estimate(back).mean, 2)} ({len(back)} of {count})"


def _bold(text: str, is_bold: bool) -> str:
    return Strong(text) if is_bold else text


def _headers(results: Results) -> list[str]:
    return [words.title(axis) for axis in results.varied]


def _labels(results: Results, cell: Cell) -> list[str]:
    return [cell.labels[axis] for axis in results.varied]

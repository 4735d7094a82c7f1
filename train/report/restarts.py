"""The section on restarts: what each of them did to the training loss."""

from collections.abc import Sequence

from train.report.numbers import words
from train.report.numbers.records import Results
from train.report.numbers.spikes import restarts
from train.report.numbers.statistics import estimate
from train.report.pages.page import Block, Paragraph, Table
from train.report.tables import headers_of, labels_of

_MOST_RESTARTS = 6


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
                    *labels_of(results, cell),
                    f"{epoch}{some}",
                    words.mean(estimate(each.before for each in these), 3),
                    words.mean(estimate(each.height for each in these), 3),
                    _recovery(back, len(these)),
                ]
            )

    if not rows:
        told = "In no run that ended does the rate jump up at a restart."
        return [Paragraph(told), *_unknown(results)]
    note = (
        "Each number is a mean of the training loss over a window of a tenth of an epoch, or of "
        "five steps where that is longer. “Spike” is the highest window up to the next restart, "
        "less the last window before it. “Recovery” is the time from the restart to the first "
        "window, after the highest, that is no higher than the one before the restart. Single "
        "windows scatter, so that a small spike is seen where there is none. The table has the "
        f"first {_MOST_RESTARTS} restarts at most. A cycle that begins without a jump of the rate, "
        "as a triangle does, has no row, and neither has the end of a warm-up. In brackets stands "
        "in how many of the runs, where it is not in all: another went on with another schedule, "
        "or its loss was not finite. What a run did after a halt counts to the restart before it; "
        "the batch that halted it, whose step was not made, does not."
    )
    headers = [
        *headers_of(results),
        "Restart at epoch",
        f"Loss before{results.task.loss}",
        f"Spike{results.task.loss}",
        "Recovery, epochs",
    ]
    return [Table("At each restart", headers, rows, len(results.varied), note), *_unknown(results)]


def _unknown(results: Results) -> Sequence[Block]:
    """Says where the restarts are from, of schedules whose classes are not known here."""
    named = {
        results.name_of(run.labels) or run.name: None
        for run in results.runs
        if not run.has_known_schedule
    }
    if not named:
        return []
    return [
        Paragraph(
            "The schedules of these settings have classes that this command does not know: "
            f"{'; '.join(named)}. So their restarts are read from the recorded rates, and each "
            "jump of the rate counts as one."
        )
    ]


def _recovery(back: Sequence[float], count: int) -> str:
    if not count:
        return words.NONE
    if not back:
        return "not in the cycle"
    if len(back) == count:
        return words.mean(estimate(back), 2)
    return f"{words.number(estimate(back).mean, 2)} ({len(back)} of {count})"

"""The table of other ways to do a study's task, which its runs measured beside the network."""

from collections.abc import Sequence

from train.report.numbers import words
from train.report.numbers.records import Results
from train.report.pages.page import Block, Table


def baselines(results: Results) -> Sequence[Block]:
    """Returns the table; nothing where the task has no such measure."""
    first, found = results.task.first, dict[str, list[float]]()
    for run in results.runs:
        for name, value in run.summary.get("baselines", {}).items():
            found.setdefault(name, []).append(first.shown(value))
    if not found:
        return []
    rows = [[name, words.sizes(values, first.digits)] for name, values in found.items()]
    header = f"{first.header[:1].upper()}{first.header[1:]}"
    note = "Measured in each run that ended, on the same split. Where runs differ, the range."
    return [Table("Other ways to do it", ("Way", header), rows, 1, note)]

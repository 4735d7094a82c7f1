"""How low the rate is where the runs end: a difference may come of that alone."""

from collections.abc import Mapping, Sequence

from train.report.numbers import words
from train.report.numbers.records import Cell, Results
from train.report.pages.page import Block, Paragraph

_HIGH = 0.1
_MOST_NAMES = 4


def paragraph(results: Results) -> Sequence[Block]:
    """Returns the caveat as a paragraph, if there is one."""
    return [Paragraph(text, "warning") for text in caveats(results)]


def caveats(results: Results) -> Sequence[str]:
    """Says which settings end at a high rate, where others that restart too end at a low one.

    So it is where the end of the run cuts a cycle off.
    """
    shares = _last_rates(results)
    restarted = {
        _name(results, cell) for cell in results.cells if any(run.restarts for run in cell.ended)
    }
    high = [name for name, share in shares.items() if share > _HIGH and name in restarted]
    low = [name for name, share in shares.items() if share <= _HIGH and name in restarted]
    if not high or not low:
        return []
    fewer = high if len(high) <= len(low) else low
    of_low = f"at most {_percent(max(shares[name] for name in low))}"
    ends = [_percent(end([shares[name] for name in high])) for end in (min, max)]
    of_high = " to ".join(dict.fromkeys(ends))
    here, there = (of_high, of_low) if fewer is high else (of_low, of_high)
    text = (
        f"Not all schedules with restarts end at a low rate. Under {_named(fewer)} the last rate "
        f"is {here} of the run's highest, and under the others {there}. A network is noisy at a "
        "high rate: where the run ends within a cycle may alone explain a difference between "
        "the two kinds."
    )
    return [text]


def _last_rates(results: Results) -> Mapping[str, float]:
    """Returns the rate of the last step, as a share of the highest, of each setting."""
    return {
        _name(results, cell): float(rates[-1] / rates.max())
        for cell in results.cells
        if cell.ended and len(rates := cell.ended[0].train["learning_rate"]) and rates.max() > 0
    }


def _name(results: Results, cell: Cell) -> str:
    group = results.group_of(cell.labels)
    return " / ".join(filter(None, [group, results.name_of(cell.labels)]))


def _named(names: Sequence[str]) -> str:
    shown = "; ".join(names[:_MOST_NAMES])
    left = len(names) - _MOST_NAMES
    return f"{shown} and {left} more" if left > 0 else shown


def _percent(share: float) -> str:
    return f"{words.number(100 * share, 0 if share >= 0.01 else 2)} %"

"""What the searches of a study tried and chose, and which choices lie at an edge of it."""

from collections import Counter
from collections.abc import Sequence

from train.report.numbers import words
from train.report.numbers.naming import BASE_RATE
from train.report.numbers.records import Labels, Results
from train.report.numbers.searches import Edge, Search, Tried, searches
from train.report.pages.page import Block, Paragraph, Table

_MOST_VALUES = 12


def edges(results: Results) -> Sequence[str]:
    """Warns of choices at an edge of what was tried, since the best may lie beyond it.

    It returns a text for each field and each of its edges at which a choice lies.
    """
    found = searches(results)
    at: dict[tuple[str, Edge, float, bool], list[Search]] = {}
    for search in found:
        for path, tried in search.tried.items():
            if edge := tried.edge(search.best[path]):
                end = tried.low if edge == "lowest" else tried.high
                at.setdefault((tried.name, edge, end, bool(tried.grid)), []).append(search)

    said = []
    for (name, edge, end, is_grid), these in at.items():
        of = [each for each in found if name in each.names.values()]
        their = "Its best" if len(these) == 1 else "Their best"
        chose = (
            f"the {edge} {name} that was tried, {end:g}"
            if is_grid
            else f"for the {name} a value close to the {edge} of its range, {end:g}"
        )
        said.append(
            f"{len(these)} of {words.count(len(of), _noun(found))} chose {chose}: "
            f"{'; '.join(_name(found, each.labels) for each in these)}. {their} may lie "
            f"{'below' if edge == 'lowest' else 'above'} it."
        )
    return said


def tried(results: Results) -> Sequence[Block]:
    """Returns what the searches tried, and a warning of the choices at its edges."""
    found = searches(results)
    rows: dict[tuple[str, str, str], list[str]] = {}
    for search in found:
        for each in search.tried.values():
            key = (each.name, _values(each), f"{search.trials:,}")
            rows.setdefault(key, []).append(_name(found, search.labels))
    if not rows:
        return []

    every = f"all {words.count(len(found), _noun(found))}"
    table = [
        [every if 1 < len(names) == len(found) else "; ".join(names), *key]
        for key, names in rows.items()
    ]
    headers = ("Of", "Setting", "Values that were tried", "Trials")
    note = (
        f"What was chosen stands under “Settings”. A trial is judged on {results.task.noun} held "
        f"out of the training split.{_base_rate(found)}"
    )
    warnings = [Paragraph(f"At the edge of what was tried: {text}", "warning") for text in
                edges(results)]  # fmt: skip
    tried = Table("What the searches tried", headers, table, len(headers), note)
    return [*warnings, tried, *_worst(found)]


def _worst(found: Sequence[Search]) -> Sequence[Block]:
    """Returns the table of the trials that count as the worst, if there are any."""
    rows = [
        [_name(found, search.labels), f"{count:,}", why]
        for search in found
        for why, count in Counter(search.worst).items()
    ]
    if not rows:
        return []
    caption = "Trials that count as the worst"
    return [Table(caption, ("Of", "Trials", "Why"), rows, 3)]


def chosen(results: Results) -> Sequence[Block]:
    """Returns the table of what the searches chose."""
    found, first = searches(results), results.task.first
    if not found:
        return []
    rows = [
        [
            " / ".join(map(str, each.labels.values())),
            f"{each.trials:,}",
            words.number(each.value, first.digits),
            ", ".join(f"{each.names[path]} {value:.3g}" for path, value in each.best.items()),
        ]
        for each in found
    ]
    counts = {each.trials for each in found}
    note = (
        f"Each had {'the same number' if len(counts) == 1 else 'a number of its own'} of trials, "
        f"judged on {results.task.noun} held out of the training split; the test split took no "
        "part. Chosen to "
        f"three digits here, and in full below.{_base_rate(found)}"
    )
    of_best = f"Validation {first.title}" + (f", {first.unit}" if first.unit else "")
    headers = ("Of", "Trials", of_best, "Chosen")
    return [Table("Settings chosen by a search", headers, rows, len(headers), note)]


def _values(tried: Tried) -> str:
    if not tried.grid:
        scale = " on a logarithmic scale" if tried.is_log else ""
        return f"drawn from {tried.low:g} to {tried.high:g}{scale}"
    if len(tried.grid) > _MOST_VALUES:
        return f"{len(tried.grid)} from {tried.low:g} to {tried.high:g}"
    return "; ".join(f"{value:g}" for value in tried.grid)


def _name(found: Sequence[Search], of: Labels) -> str:
    """Names a search by the labels in which the searches differ."""
    return words.labels(of, _axes(found) or list(of))


def _axes(found: Sequence[Search]) -> Sequence[str]:
    """Returns the axes along which the searches differ."""
    every = dict.fromkeys(axis for each in found for axis in each.labels)
    return [axis for axis in every if len({each.labels.get(axis) for each in found}) > 1]


def _noun(found: Sequence[Search]) -> str:
    return "schedule" if _axes(found) == ["schedule"] else "setting"


def _base_rate(found: Sequence[Search]) -> str:
    is_there = any(BASE_RATE in each.names.values() for each in found)
    return " The base rate is what a schedule's curve is multiplied by." if is_there else ""

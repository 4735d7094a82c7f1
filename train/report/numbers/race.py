"""Sentences that say which setting of a group is best, by how much and how surely."""

from collections.abc import Sequence

from train.report.numbers import words
from train.report.numbers.comparisons import Comparison, Family, estimate_of, ranked
from train.report.numbers.margins import MARGINS
from train.report.numbers.measures import MEASURES
from train.report.numbers.records import Cell, Results

MEASURE = "final_accuracy"
"""The measure in which the result of a study is told."""
_DIGITS, _MARGIN = MEASURES[MEASURE].digits, MARGINS[MEASURE].value
_MOST_NAMED = 4


def complete(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Returns the cells whose planned runs all have a number, the best first."""
    whole = [cell for cell in cells if estimate_of(cell, MEASURE).n == len(cell.runs)]
    return ranked(whole, MEASURE)


def race(results: Results, group: str, *, is_brief: bool = False) -> str:
    """Compares the best of a group with the next best and the baseline.

    Args:
      results: of a study whose planned runs are all over.
      group: a key of its groups.
      is_brief: leaves out the baseline, and says the detectable difference in two words.
    """
    order = complete(results.groups[group])
    if not order:
        return f"no setting has the test accuracy of every seed.{_unranked(results, group)}"
    best, *others = order

    name = _name(results, best)
    family = Family(results, group, MEASURE)
    tests = [test for other in others if (test := family.of(best, other))]
    if not tests:
        text = f"{name} ends at {_mean_text(best)} test accuracy, with nothing beside it."
    elif tests[0].difference.half is None:
        text = (
            f"{name} has the highest test accuracy ({_mean_text(best)}), before "
            f"{results.name_of(others[0].labels)} ({_mean_text(others[0])}). Without a scatter "
            "over the seeds the study cannot tell this from chance."
        )
    else:
        text = _leads(results, name, tests)
        if is_brief:
            seen = words.number(tests[0].difference.detectable, _DIGITS)
            text += f" Detectable: {seen} points."
        else:
            text += f"{_against(results, name, tests)} {power(tests[:1])}"
    return text + _unranked(results, group)


def so_far(results: Results, group: str) -> str:
    """Lists the means so far, in the order of the study, so that no setting seems to win."""
    said = []
    for cell in results.groups[group]:
        if cell.ended:
            of_seeds = f"({len(cell.ended)} of {len(cell.runs)} seeds)"
            said.append(f"{_name(results, cell)} {_mean_text(cell)} {of_seeds}")
    return f"The test accuracy so far: {'; '.join(said)}." if said else "There is no number yet."


def points(test: Comparison) -> str:
    """Writes a mean difference: `0.90 points`."""
    return f"{words.number(test.difference.mean, _DIGITS)} points"


def certainty(test: Comparison) -> str:
    """Writes the test: `(95 % interval 0.50 to 1.30, Holm-corrected p = 0.002)`."""
    if test.difference.half is None:
        return "(no interval)"
    ends = (test.difference.low, test.difference.high)
    low, high = (words.number(end, _DIGITS) for end in ends)
    p = words.probability(test.p)
    corrected = f"{'Holm-corrected ' if test.tests > 1 else ''}p {p if '<' in p else f'= {p}'}"
    return f"(95 % interval {low} to {high}, {corrected})"


def power(tests: Sequence[Comparison]) -> str:
    """Says how large a difference the study would have seen in these comparisons."""
    seen = words.sizes([test.difference.detectable for test in tests], _DIGITS)
    if seen == words.NONE:
        return ""
    difference = "differences" if " to " in seen else "a difference"
    before = ", before correction" if tests[0].tests > 1 else ""
    return f"The study would have seen {difference} of {seen} points with 80 % probability{before}."


def _leads(results: Results, name: str, tests: Sequence[Comparison]) -> str:
    """Says what the tests of the best against each other setting show; the next best's is first."""
    first, rivals = tests[0], [test for test in tests if not test.is_better]
    second = results.name_of(first.other.labels)
    if not rivals:
        small = f", which is less than {_MARGIN:g} points" * first.difference.is_within(_MARGIN)
        return (
            f"{name} ends {points(first)} of test accuracy above {second} {certainty(first)}"
            f"{small}.{_lower(results, len(tests) - 1, 'still lower')}"
        )

    named = [results.name_of(test.other.labels) for test in rivals]
    lower = _lower(results, len(tests) - len(rivals), "lower, significantly")
    if all(test.difference.is_within(_MARGIN) for test in rivals):
        return (
            f"{_names(results, [name, *named])} end at the same test accuracy: no difference "
            f"larger than {_MARGIN:g} points. The mean of {name} is {points(first)} above that of "
            f"{second} {certainty(first)}.{lower}"
        )
    return (
        f"{name} has the highest mean test accuracy, {points(first)} above {second} "
        f"{certainty(first)}, but the study cannot tell it from {_names(results, named)}.{lower}"
    )


def _against(results: Results, name: str, tests: Sequence[Comparison]) -> str:
    """Compares the best with the baseline, unless the baseline is among the two best."""
    for test in tests[1:]:
        if results.baseline and results.baseline.items() <= test.other.labels.items():
            base = results.name_of(test.other.labels)
            return f" {name} is {points(test)} above the baseline, {base} {certainty(test)}."
    return ""


def _lower(results: Results, count: int, how: str) -> str:
    if not count:
        return ""
    noun = _noun(results)
    return f" The other {f'{noun} ends' if count == 1 else f'{count} {noun}s end'} {how}."


def _names(results: Results, names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return words.listed(names)
    more = len(names) - _MOST_NAMED + 1
    return words.listed([*names[: _MOST_NAMED - 1], f"{more} other {_noun(results)}s"])


def _noun(results: Results) -> str:
    return "schedule" if list(results.compared) == ["schedule"] else "setting"


def _name(results: Results, cell: Cell) -> str:
    return results.name_of(cell.labels) or " / ".join(cell.labels.values())


def _mean_text(cell: Cell) -> str:
    found = estimate_of(cell, MEASURE)
    half = "" if found.half is None else f" ± {words.number(found.half, _DIGITS)}"
    return f"{words.number(found.mean, _DIGITS)}{half} %"


def _unranked(results: Results, group: str) -> str:
    left = [cell for cell in results.groups[group] if cell not in complete(results.groups[group])]
    said = [
        f"{results.name_of(cell.labels)} ({estimate_of(cell, MEASURE).n} of {len(cell.runs)})"
        for cell in left
    ]
    return f" Not ranked, since a seed has no number: {'; '.join(said)}." if said else ""

"""Who is ahead in a group of settings, by how much and how surely, as sentences."""

from collections.abc import Sequence

from train.report.numbers import words
from train.report.numbers.comparisons import Comparison, Family, estimate_of, ranked
from train.report.numbers.margins import MARGINS
from train.report.numbers.measures import MEASURES
from train.report.numbers.records import Cell, Study

MEASURE = "final_accuracy"
"""What the result of a study is told in."""
_DIGITS, _MARGIN = MEASURES[MEASURE].digits, MARGINS[MEASURE].value
_MOST_NAMED = 4


def complete(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Those of which each planned run has a number, the best first."""
    whole = [cell for cell in cells if estimate_of(cell, MEASURE).n == len(cell.runs)]
    return ranked(whole, MEASURE)


def race(study: Study, group: str, *, is_brief: bool = False) -> str:
    """The best of a group, held against the next best and the baseline.

    Args:
      study: whole.
      group: a key of its groups.
      is_brief: leaves out the baseline, and says the detectable difference in two words.
    """
    order = complete(study.groups[group])
    if not order:
        return f"no setting has the test accuracy of every seed.{_unranked(study, group)}"
    best, *others = order
    name = _name(study, best)
    family = Family(study, group, MEASURE)
    tests = [test for other in others if (test := family.of(best, other))]
    if not tests:
        text = f"{name} ends at {_mean(best)} test accuracy, with nothing beside it."
    elif tests[0].difference.half is None:
        text = (
            f"{name} has the highest test accuracy ({_mean(best)}), before "
            f"{study.name_of(others[0].labels)} ({_mean(others[0])}). Without a scatter over the "
            "seeds the study cannot tell this from chance."
        )
    else:
        text = _leads(study, name, tests)
        if is_brief:
            seen = words.number(tests[0].difference.detectable, _DIGITS)
            text += f" Detectable: {seen} points."
        else:
            text += f"{_against(study, name, tests)} {power(tests[:1])}"
    return text + _unranked(study, group)


def so_far(study: Study, group: str) -> str:
    """The means in the order of the study, so that no setting seems to win."""
    said = []
    for cell in study.groups[group]:
        if cell.ended:
            said.append(
                f"{_name(study, cell)} {_mean(cell)} ({len(cell.ended)} of {len(cell.runs)} seeds)"
            )
    return f"The test accuracy so far: {'; '.join(said)}." if said else "There is no number yet."


def points(test: Comparison) -> str:
    """`0.90 points`."""
    return f"{words.number(test.difference.mean, _DIGITS)} points"


def certainty(test: Comparison) -> str:
    """`(95 % interval 0.50 to 1.30, Holm-corrected p = 0.002)`."""
    if test.difference.half is None:
        return "(no interval)"
    ends = (test.difference.low, test.difference.high)
    low, high = (words.number(end, _DIGITS) for end in ends)
    p = words.probability(test.p)
    corrected = f"{'Holm-corrected ' if test.tests > 1 else ''}p {p if '<' in p else f'= {p}'}"
    return f"(95 % interval {low} to {high}, {corrected})"


def power(tests: Sequence[Comparison]) -> str:
    """What the study could have seen in these comparisons."""
    seen = words.sizes([test.difference.detectable for test in tests], _DIGITS)
    if seen == words.NONE:
        return ""
    difference = "differences" if " to " in seen else "a difference"
    before = ", before correction" if tests[0].tests > 1 else ""
    return f"The study would have seen {difference} of {seen} points with 80 % probability{before}."


def _leads(study: Study, name: str, tests: Sequence[Comparison]) -> str:
    """What the tests of the best against each other one say, the next best's first."""
    first, rivals = tests[0], [test for test in tests if not test.is_better]
    second = study.name_of(first.other.labels)
    if not rivals:
        small = f", which is less than {_MARGIN:g} points" * first.difference.is_within(_MARGIN)
        return (
            f"{name} ends {points(first)} of test accuracy above {second} {certainty(first)}"
            f"{small}.{_lower(study, len(tests) - 1, 'still lower')}"
        )
    named = [study.name_of(test.other.labels) for test in rivals]
    lower = _lower(study, len(tests) - len(rivals), "lower, significantly")
    if all(test.difference.is_within(_MARGIN) for test in rivals):
        return (
            f"{_names(study, [name, *named])} end at the same test accuracy: no difference larger "
            f"than {_MARGIN:g} points. The mean of {name} is {points(first)} above that of "
            f"{second} {certainty(first)}.{lower}"
        )
    return (
        f"{name} has the highest mean test accuracy, {points(first)} above {second} "
        f"{certainty(first)}, but the study cannot tell it from {_names(study, named)}.{lower}"
    )


def _against(study: Study, name: str, tests: Sequence[Comparison]) -> str:
    """The best against the baseline, where neither of the two best is that."""
    for test in tests[1:]:
        if study.baseline and study.baseline.items() <= test.other.labels.items():
            base = study.name_of(test.other.labels)
            return f" {name} is {points(test)} above the baseline, {base} {certainty(test)}."
    return ""


def _lower(study: Study, count: int, how: str) -> str:
    if not count:
        return ""
    noun = _noun(study)
    return f" The other {f'{noun} ends' if count == 1 else f'{count} {noun}s end'} {how}."


def _names(study: Study, names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return words.listed(names)
    more = len(names) - _MOST_NAMED + 1
    return words.listed([*names[: _MOST_NAMED - 1], f"{more} other {_noun(study)}s"])


def _noun(study: Study) -> str:
    return "schedule" if list(study.compared) == ["schedule"] else "setting"


def _name(study: Study, cell: Cell) -> str:
    return study.name_of(cell.labels) or " / ".join(cell.labels.values())


def _mean(cell: Cell) -> str:
    found = estimate_of(cell, MEASURE)
    half = "" if found.half is None else f" ± {words.number(found.half, _DIGITS)}"
    return f"{words.number(found.mean, _DIGITS)}{half} %"


def _unranked(study: Study, group: str) -> str:
    left = [cell for cell in study.groups[group] if cell not in complete(study.groups[group])]
    said = [
        f"{study.name_of(cell.labels)} ({estimate_of(cell, MEASURE).n} of {len(cell.runs)})"
        for cell in left
    ]
    return f" Not ranked, since a seed has no number: {'; '.join(said)}." if said else ""

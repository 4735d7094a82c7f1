"""Sentences that say which setting of a group is best, by how much and how surely."""

from collections.abc import Sequence

from train.report.numbers import words
from train.report.numbers.comparisons import Comparison, Family, estimate_of, ranked
from train.report.numbers.records import Cell, Results

_MOST_NAMED = 4


def told(cell: Cell) -> str:
    """Returns the measure in which the result of a study is told, at the end of a run."""
    return cell.task.first.final


def complete(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Returns the cells whose planned runs all have a number, the best first."""
    whole = [cell for cell in cells if estimate_of(cell, told(cell)).n == len(cell.runs)]
    return ranked(whole, told(cells[0])) if cells else []


def race(results: Results, group: str, *, is_brief: bool = False) -> tuple[str, str]:
    """Compares the best of a group with the next best and the baseline.

    Args:
      results: of a study whose planned runs are all over.
      group: a key of its groups.
      is_brief: leaves out the baseline, and says the detectable difference in a few words.

    Returns:
      The result, and how small a difference the study would have seen; empty where it is brief.
    """
    order, metric = complete(results.groups[group]), results.task.first
    if not order:
        return f"no setting has the {metric.noun} of every seed.{_unranked(results, group)}", ""
    best, *others = order

    name = _name(results, best)
    family = Family(results, group, metric.final)
    tests = [test for other in others if (test := family.of(best, other))]
    seen = ""
    if not tests:
        text = f"{name} ends at {_mean_text(best)} {metric.noun}, with nothing beside it."
    elif tests[0].difference.half is None:
        text = (
            f"{name} has the {metric.top} {metric.noun} ({_mean_text(best)}), before "
            f"{results.name_of(others[0].labels)} ({_mean_text(others[0])}). Without a scatter "
            "over the seeds the study cannot tell this from chance."
        )
    else:
        text = _leads(results, name, tests)
        base = _baseline_among(results, tests)
        if is_brief:
            least = metric.amount(words.number(tests[0].difference.detectable, metric.digits))
            before = ", before correction" if tests[0].tests > 1 else ""
            text += f" Detectable between the two{before}: {least}."
        else:
            text += _against(results, name, base)
            seen = power(results, tests[0], base)
    return text + _unranked(results, group), seen


def so_far(results: Results, group: str) -> str:
    """Lists the means so far, in the order of the study, so that no setting seems to win."""
    said = []
    for cell in results.groups[group]:
        if cell.ended:
            of_seeds = f"({len(cell.ended)} of {len(cell.runs)} seeds)"
            said.append(f"{_name(results, cell)} {_mean_text(cell)} {of_seeds}")
    noun = results.task.first.noun
    return f"The {noun} so far: {'; '.join(said)}." if said else "There is no number yet."


def points(test: Comparison) -> str:
    """Writes by how much the first is better: `0.90 points`."""
    metric = test.cell.task.first
    return metric.amount(words.number(test.lead.mean, metric.digits))


def certainty(test: Comparison) -> str:
    """Writes the test: `(95 % interval 0.50 to 1.30, Holm-corrected p = 0.002)`."""
    if test.difference.half is None:
        return "(no interval)"
    ends = (test.lead.low, test.lead.high)
    low, high = (words.number(end, test.cell.task.first.digits) for end in ends)
    p = words.probability(test.p)
    corrected = f"{'Holm-corrected ' if test.tests > 1 else ''}p {p if '<' in p else f'= {p}'}"
    return f"(95 % interval {low} to {high}, {corrected})"


def power(results: Results, test: Comparison, base: Comparison | None) -> str:
    """Says how small a difference the study would have seen, and between which settings.

    Args:
      results: of the study.
      test: the comparison of the two best.
      base: the comparison of the best with the baseline; None: it is one of the two.
    """
    pair = words.listed([results.name_of(cell.labels) for cell in (test.cell, test.other)])
    seen, most = _seen(test)
    if test.tests < 2:
        return (
            f"Between {pair} the study would have seen a difference of {seen} with 80 % "
            "probability."
        )
    said = (
        f"Between {pair}, the two best, the study would have seen a difference of {seen} "
        f"with 80 % probability. That is before Holm's correction for {test.tests} pairs. With the "
        f"correction it would have seen {most}, or somewhat less."
    )
    if base is None:
        return said
    seen, most = _seen(base)
    return (
        f"{said} Against the baseline, {results.name_of(base.other.labels)}, it would have seen "
        f"{seen} before the correction, and {most} or somewhat less with it."
    )


def _seen(test: Comparison) -> tuple[str, str]:
    """Writes the difference that a test would have shown, and the one with the correction."""
    metric = test.cell.task.first
    found = (test.difference.detectable, test.detectable_corrected)
    seen, most = (metric.amount(words.number(value, metric.digits)) for value in found)
    return seen, most


def power_of(tests: Sequence[Comparison], of: str) -> str:
    """Says the same of several comparisons, as the range of their numbers.

    Args:
      tests: the comparisons.
      of: what is compared, for a reader.
    """
    metric = tests[0].cell.task.first
    before = [test.difference.detectable for test in tests]
    if (seen := words.sizes(before, metric.digits)) == words.NONE:
        return ""
    difference = "differences" if " to " in seen else "a difference"
    seen = metric.amount(seen)
    said = f"{of} the study would have seen {difference} of {seen} with 80 % probability."
    if tests[0].tests < 2:
        return said
    corrected = [test.detectable_corrected for test in tests]
    most = metric.amount(words.sizes(corrected, metric.digits))
    return (
        f"{said} That is before Holm's correction for {tests[0].tests} pairs. With the correction "
        f"it would have seen {most}, or somewhat less."
    )


def _leads(results: Results, name: str, tests: Sequence[Comparison]) -> str:
    """Says what the tests of the best against each other setting show; the next best's is first."""
    first, rivals = tests[0], [test for test in tests if not test.is_better]
    second = results.name_of(first.other.labels)
    metric = results.task.first
    margin, noun, beyond = metric.amount(f"{metric.margin:g}"), metric.noun, metric.beyond
    if not rivals:
        small = f", which is less than {margin}" * first.difference.is_within(metric.margin)
        return (
            f"{name} ends {points(first)} of {noun} {beyond} {second} {certainty(first)}"
            f"{small}.{_lower(results, len(tests) - 1, f'still {metric.worse}')}"
        )

    named = [results.name_of(test.other.labels) for test in rivals]
    lower = _lower(results, len(tests) - len(rivals), f"{metric.worse}, significantly")
    if all(test.difference.is_within(metric.margin) for test in rivals):
        return (
            f"{_names(results, [name, *named])} end at the same {noun}: no difference "
            f"larger than {margin}. The mean of {name} is {points(first)} {beyond} that of "
            f"{second} {certainty(first)}.{lower}"
        )
    return (
        f"{name} has the {metric.top} mean {noun}, {points(first)} {beyond} {second} "
        f"{certainty(first)}, but the study cannot tell it from {_names(results, named)}.{lower}"
    )


def _baseline_among(results: Results, tests: Sequence[Comparison]) -> Comparison | None:
    """Returns the best's comparison with the baseline; None where that is among the two best."""
    for test in tests[1:]:
        if results.baseline and results.baseline.items() <= test.other.labels.items():
            return test
    return None


def _against(results: Results, name: str, base: Comparison | None) -> str:
    """Compares the best with the baseline, if there is such a comparison."""
    if base is None:
        return ""
    other = results.name_of(base.other.labels)
    beyond = results.task.first.beyond
    return f" {name} is {points(base)} {beyond} the baseline, {other} {certainty(base)}."


def _lower(results: Results, count: int, how: str) -> str:
    if not count:
        return ""
    thing = _noun(results)
    return f" The other {f'{thing} ends' if count == 1 else f'{count} {thing}s end'} {how}."


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
    found, metric = estimate_of(cell, told(cell)), cell.task.first
    half = "" if found.half is None else f" ± {words.number(found.half, metric.digits)}"
    return metric.value(f"{words.number(found.mean, metric.digits)}{half}")


def _unranked(results: Results, group: str) -> str:
    left = [cell for cell in results.groups[group] if cell not in complete(results.groups[group])]
    said = [
        f"{results.name_of(cell.labels)} ({estimate_of(cell, told(cell)).n} of {len(cell.runs)})"
        for cell in left
    ]
    return f" Not ranked, since a seed has no number: {'; '.join(said)}." if said else ""

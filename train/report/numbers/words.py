"""Writes numbers, labels and lists for a reader."""

import decimal
from collections.abc import Iterable, Mapping, Sequence

from train.report.numbers.statistics import Difference, Estimate

NONE = "\u2013"
"""The dash that stands where there is no number."""
_MOST_VALUES = 10
AS_PRINTED, TUNED = ("settings", "as printed"), ("settings", "tuned")
"""The axis that a search adds, with its label for printed and for chosen settings."""


def plain(name: str) -> str:
    """Writes a name as words: `restart_value` -> `restart value`."""
    return name.replace("_", " ")


def title(name: str) -> str:
    """Writes a name as a title: `restart_value` -> `Restart value`."""
    return plain(name[:1].upper() + name[1:])


def labels(of: Mapping[str, str], axes: Sequence[str]) -> str:
    """Writes labels: `sigmoid / printed`, `base 20 / restart value 0.1`.

    A label that is a number stands behind the name of its axis. With several axes, settings are
    named only where a search chose them.
    """
    named = [(axis, of[axis]) for axis in axes if axis in of]
    if len(named) > 1:
        named = [each for each in named if each != AS_PRINTED]
    return " / ".join(
        f"{plain(axis)} {label}" if label[:1].isdigit() else label for axis, label in named
    )


def number(value: float | None, digits: int, *, signed: bool = False) -> str:
    """Writes a number: `1234.5` -> `1,234.50`, with a minus sign as wide as a plus."""
    if value is None:
        return NONE
    # To nine digits first, as `report.json` has them. So a number that lies in the middle is
    # rounded the same way in a report, and in a page that is made of its numbers.
    exact = decimal.Decimal(f"{value:.9g}")
    with decimal.localcontext(rounding=decimal.ROUND_HALF_UP):
        text = f"{exact:{'+' if signed else ''},.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "\u2212")


def mean(estimate: Estimate, digits: int) -> str:
    """Writes a mean with half of its interval: `84.28 ± 0.31`; for one run `84.28 (n = 1)`."""
    text = number(estimate.mean, digits)
    if estimate.n == 1:
        return f"{text} (n = 1)"
    return text if estimate.half is None else f"{text} ± {number(estimate.half, digits)}"


def interval(difference: Difference, digits: int) -> str:
    """Writes an interval from end to end, both signed, or the reason why there is none."""
    if difference.low is None:
        return {0: NONE, 1: "n = 1"}.get(difference.n, "all equal")
    low, high = (number(end, digits, signed=True) for end in (difference.low, difference.high))
    return f"{low} to {high}"


def unit(of: str) -> str:
    """Returns the unit of a difference: two numbers in per cent differ by points."""
    return "points" if of == "%" else of


def sizes(values: Iterable[float | None], digits: int) -> str:
    """Writes the range of values: `0.31 to 0.52`, for a single one `0.52`, for none a dash."""
    known = sorted(value for value in values if value is not None)
    texts = dict.fromkeys(number(value, digits) for value in known[:1] + known[-1:])
    return " to ".join(texts) or NONE


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Writes a list: `a, b and c`, with semicolons where a part has a comma itself."""
    *rest, end = parts
    between = "; " if any("," in part for part in parts) else ", "
    return f"{between.join(rest)} {last} {end}" if rest else end


def values(of: Mapping[str, float | None], digits: int, *, signed: bool = False) -> str:
    """Writes named values: `log 84.28; cosine 83.90`; if many, the lowest and the highest."""
    known = {name: value for name, value in of.items() if value is not None}
    if not known:
        return "no number yet"
    if len(known) <= _MOST_VALUES:
        return "; ".join(f"{name} {number(v, digits, signed=signed)}" for name, v in known.items())
    ends = (min(known, key=lambda n: known[n]), max(known, key=lambda n: known[n]))
    low, high = (f"{number(known[name], digits, signed=signed)} ({name})" for name in ends)
    return f"{len(known)} values from {low} to {high}"


def count(n: int, thing: str) -> str:
    """Writes a count with its noun: `3 pairs`."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def probability(p: float | None) -> str:
    """Writes a p-value with three digits, or that it is smaller than they show."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else number(p, 3)

"""Numbers as a reader sees them."""

from collections.abc import Iterable, Mapping, Sequence

from train.report.numbers.statistics import Difference, Estimate

NONE = "\u2013"
"""Stands where there is no number."""
_MOST_VALUES = 10
AS_PRINTED, TUNED = ("settings", "as printed"), ("settings", "tuned")
"""The axis that a search adds, and its labels of what it did not change, and of what it chose."""


def plain(name: str) -> str:
    """`restart_value` -> `restart value`."""
    return name.replace("_", " ")


def title(name: str) -> str:
    """`restart_value` -> `Restart value`."""
    return plain(name[:1].upper() + name[1:])


def labels(of: Mapping[str, str], axes: Sequence[str]) -> str:
    """`sigmoid / printed`, `base 20 / restart value 0.1`: a number says of what it is.

    Of several axes, settings are named only where a search chose them.
    """
    named = [(axis, of[axis]) for axis in axes if axis in of]
    if len(named) > 1:
        named = [each for each in named if each != AS_PRINTED]
    return " / ".join(
        f"{plain(axis)} {label}" if label[:1].isdigit() else label for axis, label in named
    )


def number(value: float | None, digits: int, *, signed: bool = False) -> str:
    """`1234.5` -> `1,234.50`; a minus as long as a plus."""
    if value is None:
        return NONE
    text = f"{value:{'+' if signed else ''},.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "\u2212")


def mean(estimate: Estimate, digits: int) -> str:
    """`84.28 ± 0.31`; of one run the number alone, and that it is one."""
    text = number(estimate.mean, digits)
    if estimate.n == 1:
        return f"{text} (n = 1)"
    return text if estimate.half is None else f"{text} ± {number(estimate.half, digits)}"


def interval(difference: Difference, digits: int) -> str:
    """From one end to the other, both signed, or why there is none."""
    if difference.low is None:
        return {0: NONE, 1: "n = 1"}.get(difference.n, "all equal")
    low, high = (number(end, digits, signed=True) for end in (difference.low, difference.high))
    return f"{low} to {high}"


def unit(of: str) -> str:
    """That of a difference: per cent differ by points."""
    return "points" if of == "%" else of


def sizes(values: Iterable[float | None], digits: int) -> str:
    """`0.52`, or of several `0.31 to 0.52`; a dash where there is none."""
    known = sorted(value for value in values if value is not None)
    texts = dict.fromkeys(number(value, digits) for value in known[:1] + known[-1:])
    return " to ".join(texts) or NONE


def listed(parts: Sequence[str], last: str = "and") -> str:
    """`a, b and c`; semicolons where a part has a comma itself."""
    *rest, end = parts
    between = "; " if any("," in part for part in parts) else ", "
    return f"{between.join(rest)} {last} {end}" if rest else end


def values(of: Mapping[str, float | None], digits: int, *, signed: bool = False) -> str:
    """`log 84.28; cosine 83.90`; of many the lowest and the highest."""
    known = {name: value for name, value in of.items() if value is not None}
    if not known:
        return "no number yet"
    if len(known) <= _MOST_VALUES:
        return "; ".join(f"{name} {number(v, digits, signed=signed)}" for name, v in known.items())
    ends = (min(known, key=lambda n: known[n]), max(known, key=lambda n: known[n]))
    low, high = (f"{number(known[name], digits, signed=signed)} ({name})" for name in ends)
    return f"{len(known)} values from {low} to {high}"


def count(n: int, thing: str) -> str:
    """`3 pairs`."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def probability(p: float | None) -> str:
    """Three digits, and nothing below them."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def short(value: object) -> str:
    """A field of a configuration."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        inside = ", ".join(f"{name}={short(item)}" for name, item in value.items())
        return f"{{{inside}}}" if inside else "none"
    if isinstance(value, list):
        return "[" + ", ".join(map(short, value)) + "]"
    return "none" if value is None else str(value)


def schedule(record: dict[str, object]) -> str:
    """`cyclical_log(peak_value=0.1, ...)`: the fields that are set."""
    hidden = ("schedule", "callable", "version")
    fields = ", ".join(
        f"{name}={short(value)}"
        for name, value in record.items()
        if name not in hidden and value is not None
    )
    return f"{record.get('schedule') or record.get('callable')}({fields})"

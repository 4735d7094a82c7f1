"""Numbers as a reader sees them."""

from collections.abc import Mapping, Sequence

from train.report.statistics import Difference, Estimate

NONE = "\u2013"
"""Stands where there is no number."""
AS_PRINTED = ("settings", "as printed")
"""The axis that a search adds, and its label of what it did not change."""


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

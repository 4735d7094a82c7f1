"""Writes settings for a reader: a schedule as a formula, and a field by its name."""

from collections.abc import Mapping
from typing import Any

from train.report.numbers import words

BASE_RATE = "base rate"
"""The name of the constant by which a schedule's curve is multiplied."""
_RATES = {
    "value": "rate",
    "init_value": "first rate",
    "peak_value": "peak rate",
    "end_value": "end rate",
    "restart_value": "restart rate",
}
"""The names of a schedule's fields that are learning rates."""
_SIGNS = {"product": "\u00d7", "sum": "+", "difference": "\u2212"}


def short(value: object) -> str:
    """Writes the value of a configuration's field."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        if "schedule" in value:
            return schedule(value)
        inside = ", ".join(f"{name}={short(item)}" for name, item in value.items())
        return f"{{{inside}}}" if inside else "none"
    if isinstance(value, list):
        return "[" + ", ".join(map(short, value)) + "]"
    return "none" if value is None else str(value)


def schedule(record: Mapping[str, Any]) -> str:
    """Writes a schedule with the fields that are set: `cyclical_log(peak_value=0.1, ...)`.

    A curve that is multiplied by a rate is written behind it, with a sign between them. Schedules
    that follow each other have their lengths: `constant(value=1) for 2, then rex(...)`.
    """
    if record.get("schedule") == "combined" and record.get("operation") in _SIGNS:
        return _combined(record)
    if record.get("schedule") == "chain" and _is_chain(record):
        *parts, last = map(short, record["parts"])
        ends = [
            f"{part} for {short(n)}" for part, n in zip(parts, record["part_steps"], strict=True)
        ]
        return ", then ".join([*ends, last])
    hidden = ("schedule", "callable", "version")
    fields = ", ".join(
        f"{name}={short(value)}"
        for name, value in record.items()
        if name not in hidden and value is not None
    )
    return f"{record.get('schedule') or record.get('callable')}({fields})"


def field(path: str, of: Mapping[str, Any]) -> str:
    """Writes the name of a configuration's field: `schedule.peak_value` -> `peak rate`.

    Args:
      path: its name, with dots.
      of: the record of the schedule that the configuration holds.
    """
    head, *inner = path.split(".")
    if head != "schedule" or not inner:
        return words.plain(path.replace(".", " "))
    *inner, last = inner
    outer: Any = {}
    node: Any = of
    for name in inner:
        outer, node = node, node.get(name) if isinstance(node, dict) else None
    is_constant = isinstance(node, dict) and node.get("schedule") == "constant"
    if is_constant and last == "value" and outer.get("operation") == "product":
        return BASE_RATE
    # Within another schedule a value need not be a rate: it may be a factor.
    return words.plain(" ".join([*inner, last])) if inner else _RATES.get(last, words.plain(last))


def _combined(record: Mapping[str, Any]) -> str:
    first, second = record["first"], record["second"]
    is_product = record["operation"] == "product"
    if is_product and second.get("schedule") == "constant":
        first, second = second, first  # the rate stands first, as in 0.1 times a curve
    return f"{_operand(first)} {_SIGNS[record['operation']]} {_operand(second)}"


def _operand(record: Mapping[str, Any]) -> str:
    if record.get("schedule") == "constant":
        return short(record.get("value"))
    text = schedule(record)
    return f"({text})" if record.get("schedule") in ("chain", "combined") else text


def _is_chain(record: Mapping[str, Any]) -> bool:
    """Tells whether each part but the last has its length."""
    parts, lengths = record.get("parts"), record.get("part_steps")
    return isinstance(parts, list) and isinstance(lengths, list) and len(parts) == len(lengths) + 1

"""Functions that declare the fields of a schedule of your own.

A subclass of `Schedule` gives each of its fields one of these as its default. docs/extending.md
builds three.
"""

from log_anneal._core.fields import (
    count,
    duration,
    durations,
    function,
    number,
    numbers,
    option,
    steps,
)

__all__ = [
    "count",
    "duration",
    "durations",
    "function",
    "number",
    "numbers",
    "option",
    "steps",
]

"""Arguments, checked when a schedule is built. Traced ones pass: their values are not known yet."""

import math
from typing import Any

import jax
import numpy as np

from log_anneal._numeric import MAX_STEP

MAX_VALUE = 1e30
"""The largest number a field may hold, so that no equation overflows float32."""


def is_traced(value: object) -> bool:
    """Whether JAX is tracing the value."""
    return isinstance(value, jax.core.Tracer)


def known(name: str, value: object) -> None:
    """Refuses a traced value: what the host derives from it is not traced."""
    if is_traced(value):
        raise TypeError(
            f"`{name}` must be known when the schedule is built, got {value}. "
            "Build the schedule outside the traced function, and pass it as an argument."
        )


def real(name: str, value: Any, way_out: str = "") -> Any:
    """A finite number from 0 to 1e30, as a Python float."""
    if is_traced(value):
        return value
    if not _is_number(value):
        raise ValueError(f"`{name}` must be a number, got {value!r}. Vary it by `jax.vmap`.")
    value = float(plain(value))
    if not 0 <= value <= MAX_VALUE:
        raise ValueError(
            f"`{name}` must be a number from 0 to 1e30, got {value}." + _spaced(way_out)
        )
    return value


def steps(name: str, value: Any, least: int, way_out: str = "") -> int:
    """A whole number of steps, as a Python int."""
    known(name, value)
    if not _is_number(value) or not math.isfinite(value) or value != int(value):
        raise ValueError(
            f"`{name}` must be a whole number of steps, got {value!r}. "
            "Round it, or count in a smaller unit and use `.stretch()`."
        )
    if not least <= value <= MAX_STEP:
        raise ValueError(
            f"`{name}` must be at least {least} step{'s' if least != 1 else ''} and below 2^31, "
            f"got {int(value)}." + _spaced(way_out)
        )
    return int(value)


def plain(value: Any) -> Any:
    """An array as Python numbers; a float32 0.1 is 0.1, not the 0.10000000149 that it holds."""
    if is_traced(value) or not isinstance(value, (np.ndarray, np.generic, jax.Array)):
        return value
    if np.ndim(value):
        return [plain(each) for each in np.asarray(value)]
    number = np.asarray(value)[()]
    return int(number) if isinstance(number, np.integer) else float(str(number))


def within(name: str, value: Any, low: float, high: float, way_out: str) -> None:
    """Bounds, both inclusive."""
    if not is_traced(value) and not low <= value <= high:
        raise ValueError(f"`{name}` must be from {low:.7g} to {high:.7g}, got {value}. {way_out}")


def _is_number(value: object) -> bool:
    is_array = isinstance(value, (np.ndarray, np.generic, jax.Array)) and np.ndim(value) == 0
    return is_array or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _spaced(sentence: str) -> str:
    return " " + sentence if sentence else ""

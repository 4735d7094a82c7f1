"""Checks of arguments, when a schedule is built. Traced ones pass: their values are not known."""

import math
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core.steps import MAX_STEP

MAX_VALUE = 1e30
"""The largest number a field may hold, so that no equation overflows float32."""


def is_traced(value: object) -> bool:
    """Tells whether JAX is tracing the value."""
    return isinstance(value, jax.core.Tracer)


def known(name: str, value: object) -> None:
    """Refuses a traced value: what the host derives from it is not traced."""
    if is_traced(value):
        raise TypeError(
            f"`{name}` must be known when the schedule is built, got {value}. "
            "Build, replace or stretch outside the traced function, and pass it the schedule."
        )


def is_array(value: object) -> bool:
    """Tells whether a value is an array or a number of NumPy's or JAX's, of any dimension."""
    return isinstance(value, (np.ndarray, np.generic, jax.Array))


def number(name: str, value: Any) -> Any:
    """Returns a real scalar as a Python int or float. A traced one stays as it is."""
    if not is_number(value):
        way_out = "Give one, 0.1 for example."
        if is_array(value) and np.ndim(value):
            way_out = "Vary it by `jax.vmap`."
        raise ValueError(f"`{name}` must be a number, got {value!r}. {of_text(value) or way_out}")
    return plain(value)


def of_text(value: Any) -> str:
    """Returns the way out for a number that came as text, from YAML for example; or nothing."""
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    digits, _, power = f"{number:.15g}".partition("e")
    written = f"{digits}{'' if '.' in digits else '.0'}e{power}" if power else digits
    return (
        f"That is text: write {written} without quotes. YAML reads a number with an exponent as "
        "text unless it has a point and a sign, as in 1.0e-3."
    )


def real(name: str, value: Any, least: float, most: float, way_out: str = "") -> float:
    """Returns a number as a Python float, if it is within bounds, both inclusive."""
    if not least <= value <= most:
        raise ValueError(
            f"`{name}` must be a number from {least:.7g} to {most:.7g}, got {shown(value)}. "
            + (
                way_out
                or (f"Take {most:.7g} or less." if value > most else f"Take {least:.7g} or more.")
            )
        )
    return float(value)


def steps(name: str, value: Any, least: int, way_out: str = "") -> int:
    """Returns a whole number of steps as a Python int."""
    known(name, value)
    count = plain(value) if is_number(value) else None
    if count is None or (isinstance(count, float) and not count.is_integer()):
        raise ValueError(
            f"`{name}` must be a whole number of steps, got {value!r}. "
            + (of_text(value) or "Round it, or count in a smaller unit and use `.stretch()`.")
        )
    if not least <= count <= MAX_STEP:
        too_many = "Steps are counted in int32: take fewer, or a larger unit."
        raise ValueError(
            f"`{name}` must be at least {least} step{'s' if least != 1 else ''} and below 2^31, "
            f"got {shown(count)}. "
            + (too_many if count > MAX_STEP else way_out or f"Take {least} or more.")
        )
    return int(count)


def longer_than(steps: float, what: str) -> str:
    """Returns the way out for a run that is over before its decay; nothing if nothing precedes."""
    if not steps:
        return ""
    return (
        f"A run must be longer than {what}, {steps:.10g} steps here: lengthen the run, or shorten "
        f"{what}."
    )


def whole_steps(step: Any) -> Any:
    """Returns steps that are no ints as int64, if they are floats that are whole numbers.

    Of a traced float it is not known whether it is. To round it would hide a fault.
    """
    if is_traced(step):
        raise TypeError(
            f"`step` must be a whole number, got a traced {step.dtype}. Round it as you mean it: "
            "`schedule(jnp.floor(step).astype(jnp.int32))`. To count in epochs, build the schedule "
            "in epochs and take `.stretch(steps_per_epoch)`."
        )
    steps = np.asarray(step)
    real = np.full((), np.nan)
    if jnp.issubdtype(steps.dtype, jnp.floating):
        real = steps.astype(np.float64)
    if not np.all(np.isfinite(real) & (real == np.floor(real))):
        raise TypeError(
            f"`step` must be a whole number, got {step!r}. To count in epochs, build the schedule "
            "in epochs and take `.stretch(steps_per_epoch)`."
        )
    return np.clip(real, -MAX_STEP, MAX_STEP).astype(np.int64)


def plain(value: Any) -> Any:
    """Returns an array as Python numbers; what is traced or has no real numbers stays as it is."""
    if is_traced(value) or not isinstance(value, (np.ndarray, np.generic, jax.Array)):
        return value
    if not is_real(value):
        return value
    if np.ndim(value):
        return [plain(each) for each in np.asarray(value)]
    number = np.asarray(value)[()]
    return int(number) if isinstance(number, np.integer) else _as_written(number)


def within(name: str, value: Any, low: float, high: float, way_out: str) -> None:
    """Refuses a value outside its bounds, both inclusive."""
    if not is_traced(value) and not low <= value <= high:
        raise ValueError(f"`{name}` must be from {low:.7g} to {high:.7g}, got {value}. {way_out}")


def stretched(name: str, duration: float, factor: float) -> Fraction:
    """Multiplies a duration by a factor, exactly."""
    known(name, duration)
    exact = simplest_fraction(float(duration)) * simplest_fraction(factor)
    if exact > MAX_STEP:
        raise ValueError(
            f"`{name}` must stay below 2^31 steps, got {float(exact)} by `stretch({factor:.10g})`. "
            "Take a smaller factor."
        )
    return exact


def first_step(exact: Fraction) -> int:
    """Returns the first whole step at or after a real one; what floats have rounded is no step."""
    nearest = round(exact)
    return nearest if abs(exact - nearest) <= _ROUNDED * max(1, nearest) else math.ceil(exact)


_ROUNDED = Fraction(1, 10**9)
"""How far a number of steps may be from a whole one, relative to it, and is that one."""


def simplest_fraction(value: float) -> Fraction:
    """Returns the fraction that a float was written for: 11/10 for 1.1, which no float is."""
    simple = Fraction(value).limit_denominator(1_000_000)
    return simple if float(simple) == value else Fraction(value)


def shown(value: float) -> str:
    """Returns a number as a message shows it: an integer of thousands of digits by its size."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    return str(value)


def cut(value: object, most: int = 300) -> str:
    """Returns a value as a message shows it, cut where it is too long to be read."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}..."


def _as_written(number: Any) -> float:
    """Returns the short decimal or simple fraction that rounds to a float32: 0.1, 5 / 3."""
    value = float(number)
    if number.dtype != np.float64 and np.isfinite(value):
        fraction = Fraction(value).limit_denominator(1000)
        for written in (float(f"{value:.6g}"), float(fraction), float(str(number))):
            if number.dtype.type(written) == number:
                return written
    return value


def is_number(value: Any) -> bool:
    """Tells whether a value is a real scalar, of Python, NumPy or JAX; it may be traced."""
    if isinstance(value, (np.ndarray, np.generic, jax.Array)):
        return np.ndim(value) == 0 and is_real(value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_real(array: Any) -> bool:
    """Tells whether an array holds whole or real numbers, and no others."""
    return any(jnp.issubdtype(array.dtype, kind) for kind in (np.integer, np.floating))

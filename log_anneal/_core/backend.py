"""The two backends of an equation: float64 numbers on the host, float32 arrays on the device.

An equation takes one of the two as `xp`. So each equation is written once.
"""

import math
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core.check import MAX_VALUE
from log_anneal._core.device import Device
from log_anneal._core.host import Host
from log_anneal._core.steps import MAX_STEP, Number, Steps

__all__ = [
    "MAX_STEP",
    "MOST_GROWTH",
    "Backend",
    "Device",
    "Host",
    "KnownLog",
    "Number",
    "Steps",
    "grown",
    "known_log",
    "log_of",
    "log_of_change",
]


class KnownLog(NamedTuple):
    """The logarithm of a field, to more digits than float32 leaves of the field itself."""

    log: Any
    of: Any
    """The field's value when the schedule was built."""


def known_log(value: Any) -> KnownLog:
    """Takes the logarithm in float64, which the host can; that of a traced number is traced."""
    if isinstance(value, jax.core.Tracer):
        return KnownLog(jnp.log(value), value)
    return KnownLog(np.log(np.float64(value)), np.float64(value))


def log_of(value: Number, known: KnownLog, xp: "Backend") -> Number:
    """Returns `log(value)`: exactly the known one, unless the leaf has changed since."""
    return xp.fixed(known.log) + log_of_change(value, known, xp)


def log_of_change(value: Number, known: KnownLog, xp: "Backend") -> Number:
    """Returns `log(value / known.of)`: exactly 0 if the leaf is still the known value.

    It takes the difference first. Of a quotient by a number that all steps share, a compiler makes
    the product with its reciprocal, and that of two equal numbers is not always 1.
    """
    if xp is Host:
        return xp.log(value / known.of)
    of = xp.fixed(known.of)
    is_above = value >= of
    low, high = xp.where(is_above, of, value), xp.where(is_above, value, of)
    log = xp.log1p((high - low) / low)
    return xp.where(is_above, log, -log)


MOST_GROWTH = 1e20
"""The most by which a growth multiplies a value: its slope by a duration, that of 2^31 steps, must
fit float32."""

_MOST_LOG = math.log(MOST_GROWTH)


def grown(value: Number, log_factor: Number, xp: "Backend") -> Number:
    """Returns `value * exp(log_factor)`: the factor is held at 1e20, the product at 1e30."""
    return xp.minimum(value * xp.exp(xp.minimum(log_factor, _MOST_LOG)), MAX_VALUE)


Backend: TypeAlias = type[Host] | type[Device]

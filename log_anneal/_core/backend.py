"""The two backends of an equation: float64 numbers on the host, float32 arrays on the device.

An equation takes one of the two as `xp`. So each equation is written once.
"""

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core.device import Device
from log_anneal._core.host import Host
from log_anneal._core.steps import MAX_STEP, Number, Steps

__all__ = [
    "MAX_STEP",
    "Backend",
    "Device",
    "Host",
    "KnownLog",
    "Number",
    "Steps",
    "known_log",
    "log_of",
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
    return xp.fixed(known.log) + xp.log(value / xp.fixed(known.of))


Backend: TypeAlias = type[Host] | type[Device]

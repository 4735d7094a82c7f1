"""The two backends of an equation: float64 numbers on the host, float32 arrays on the device.

An equation takes one of the two as `xp`. So each equation is written once.
"""

import math
import operator
from bisect import bisect_left
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

MAX_STEP = 2**31 - 1
"""The last step that an int32 counter reaches."""

Number: TypeAlias = Any
"""A Python number or list on the host; an array or a tracer on the device."""


class Host:
    """Computes with Python's numbers, in float64."""

    abs = abs
    exp = math.exp
    expm1 = math.expm1
    log = math.log
    log1p = math.log1p
    sqrt = math.sqrt
    sin = math.sin
    maximum = max
    minimum = min
    real = float
    rem = operator.mod
    quotient = operator.floordiv
    count_below = bisect_left

    @staticmethod
    def take(column: Number, row: Number) -> Number:
        """Returns `column[row]`."""
        return column[row]

    @staticmethod
    def where(condition: bool, if_true: Number, if_false: Number) -> Number:
        """Chooses one of two."""
        return if_true if condition else if_false

    @staticmethod
    def power(base: float, exponent: float) -> float:
        """Returns `base ** exponent`, for a base that is not negative."""
        return math.pow(base, exponent)

    @staticmethod
    def stack(values: Number) -> Number:
        """Returns several numbers as one column."""
        return values

    @staticmethod
    def with_slope(value: Number, smooth: Number) -> Number:
        """Returns `value`, with the gradient of `smooth`, whose last digits float32 has lost."""
        return value

    @staticmethod
    def fixed(value: Number) -> Number:
        """Returns the value as a constant: it has no gradient."""
        return value


class Device:
    """Computes with jax.numpy, without its care for signs and bounds, which steps do not need."""

    abs = staticmethod(jnp.abs)
    exp = staticmethod(jnp.exp)
    expm1 = staticmethod(jnp.expm1)
    log = staticmethod(jnp.log)
    log1p = staticmethod(jnp.log1p)
    sqrt = staticmethod(jnp.sqrt)
    sin = staticmethod(jnp.sin)
    maximum = staticmethod(jnp.maximum)
    minimum = staticmethod(jnp.minimum)

    @staticmethod
    def where(condition: Number, if_true: Number, if_false: Number) -> Number:
        """Chooses element by element, by one operation: jnp.where is a function of its own."""
        is_whole = jnp.issubdtype(jnp.result_type(if_true, if_false), jnp.integer)
        dtype = jnp.int32 if is_whole else jnp.float32
        values = (jnp.asarray(value, dtype) for value in (if_true, if_false))
        return lax.select(condition, *(jnp.broadcast_to(v, condition.shape) for v in values))

    @staticmethod
    def quotient(whole: Number, divisor: Number) -> Number:
        """Divides. The numbers are not negative, so that no sign needs care."""
        return lax.div(whole, jnp.broadcast_to(divisor, whole.shape))

    @staticmethod
    def rem(whole: Number, divisor: Number) -> Number:
        """Returns the remainder. The numbers are not negative, so that no sign needs care."""
        return lax.rem(whole, jnp.broadcast_to(divisor, whole.shape))

    @staticmethod
    def real(whole: Number) -> Number:
        """Converts int32 to float32."""
        return lax.convert_element_type(whole, jnp.float32)

    @staticmethod
    def count_below(column: Number, step: Number) -> Number:
        """Returns the number of entries < step.

        The column has 2^n rising entries, the last >= step. It finds the block first, and then the
        place in the block. So 512 rows take 48 comparisons, and the program is the same for every
        length.
        """
        width = 1 << (column.size.bit_length() // 2)
        blocks = column.reshape(-1, width)
        block = _count_below(column[width - 1 :: width], step)
        return block * width + _count_below(Device.take(blocks, block), step)

    @staticmethod
    def take(column: Number, row: Number) -> Number:
        """Returns `column[row]`. The row is known to exist, so that no bound needs care."""
        return column.at[row].get(mode="promise_in_bounds", wrap_negative_indices=False)

    @staticmethod
    def power(base: Number, exponent: Number) -> Number:
        """Returns `base ** exponent`, for a base from 0 on. At a base of 0 its slope is 0."""
        is_zero = base == 0
        positive = jnp.exp(exponent * jnp.log(Device.where(is_zero, 1.0, base)))
        return Device.where(is_zero, 0.0, positive)

    @staticmethod
    def stack(values: Number) -> Number:
        """Returns several numbers as one column."""
        return jnp.stack(values)

    @staticmethod
    def with_slope(value: Number, smooth: Number) -> Number:
        """Returns `value`, with the gradient of `smooth`, whose last digits float32 has lost."""
        return lax.stop_gradient(value) + (smooth - lax.stop_gradient(smooth))

    @staticmethod
    def fixed(value: Number) -> Number:
        """Returns the value as a constant: it has no gradient."""
        return lax.stop_gradient(value)


def _count_below(rows: jax.Array, step: jax.Array) -> jax.Array:
    """Counts how many of `rows`, [n] or [..., n], are below each step, [...]."""
    shape = (*step.shape, rows.shape[-1])
    if rows.ndim == 1:
        rows = lax.broadcast_in_dim(rows, shape, (step.ndim,))
    steps = lax.broadcast_in_dim(step, shape, tuple(range(step.ndim)))
    return jnp.sum(lax.lt(rows, steps), axis=-1, dtype=jnp.int32)


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

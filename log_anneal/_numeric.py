"""What an equation is evaluated on: float64 numbers on the host, float32 arrays on the device.

An equation takes one of the two as `xp`, and so is written once.
"""

import math
import operator
from bisect import bisect_left
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

MAX_STEP = 2**31 - 1
"""The last step that an int32 counter reaches."""

Number: TypeAlias = Any
"""A Python number or list on the host, an array or a tracer on the device."""


class Host:
    """Python's numbers."""

    abs = abs
    log = math.log
    log1p = math.log1p
    sin = math.sin
    maximum = max
    real = float
    rem = operator.mod
    quotient = operator.floordiv
    count_below = bisect_left

    @staticmethod
    def take(column: Number, row: int) -> Number:
        """`column[row]`."""
        return column[row]

    @staticmethod
    def where(condition: bool, if_true: Number, if_false: Number) -> Number:
        """Chooses."""
        return if_true if condition else if_false

    @staticmethod
    def power(base: float, squares: Number, exponent: int) -> float:
        """`base ** exponent`; float64 has digits to spare."""
        return base**exponent


class Device:
    """jax.numpy, without the care for signs and bounds that steps have no need of."""

    abs = staticmethod(jnp.abs)
    log = staticmethod(jnp.log)
    log1p = staticmethod(jnp.log1p)
    sin = staticmethod(jnp.sin)
    maximum = staticmethod(jnp.maximum)

    @staticmethod
    def where(condition: Number, if_true: Number, if_false: Number) -> Number:
        """Chooses, as one operation where jnp.where is a function of its own."""
        values = (jnp.asarray(value, jnp.float32) for value in (if_true, if_false))
        return lax.select(condition, *(jnp.broadcast_to(v, condition.shape) for v in values))

    @staticmethod
    def quotient(whole: Number, divisor: Number) -> Number:
        """Of numbers that are not negative, so that no sign needs care."""
        return lax.div(whole, jnp.broadcast_to(divisor, whole.shape))

    @staticmethod
    def rem(whole: Number, divisor: Number) -> Number:
        """Of numbers that are not negative, so that no sign needs care."""
        return lax.rem(whole, jnp.broadcast_to(divisor, whole.shape))

    @staticmethod
    def real(whole: Number) -> Number:
        """int32 to float32."""
        return lax.convert_element_type(whole, jnp.float32)

    @staticmethod
    def count_below(column: Number, step: Number) -> Number:
        """How many entries are below the step, of 2^n that rise to one that is not.

        First by blocks, then in the block: 48 comparisons for 512 rows, and the same program for
        every length.
        """
        width = 1 << (column.size.bit_length() // 2)
        blocks = column.reshape(-1, width)
        block = _count(column[width - 1 :: width] < step[..., None])
        return block * width + _count(Device.take(blocks, block) < step[..., None])

    @staticmethod
    def take(column: Number, row: Number) -> Number:
        """`column[row]` for a row known to exist."""
        return column.at[row].get(mode="promise_in_bounds", wrap_negative_indices=False)

    @staticmethod
    def power(base: Number, squares: Number, exponent: Number) -> Number:
        """`base ** exponent`, from the squares of the base.

        float32 cannot hold most bases, and a power multiplies that error by its exponent: the
        squares, rounded once each, do not. The last factor is 1, and carries the gradient.
        """
        bits = (exponent[..., None] >> jnp.arange(31)) & 1
        exact = jnp.prod(jnp.where(bits == 1, squares, 1.0), axis=-1)
        return exact * (base / squares[0]) ** Device.real(exponent)


def _count(is_true: jax.Array) -> jax.Array:
    return jnp.sum(is_true, axis=-1, dtype=jnp.int32)


Namespace: TypeAlias = type[Host] | type[Device]

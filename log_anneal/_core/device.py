"""The functions of an equation on the device: float32 arrays, and steps that are exact."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax.numpy as jnp
from jax import lax

from log_anneal._core import steps
from log_anneal._core.steps import Number, Steps, are_steps, real_of, whole_of


def _of_reals(function: Callable[..., Any]) -> Any:
    """Lets a function take steps, as real numbers."""

    @wraps(function)
    def of_reals(*arguments: Any, **named: Any) -> Any:
        reals = map(real_of, arguments)
        return function(*reals, **{name: real_of(value) for name, value in named.items()})

    return staticmethod(of_reals)


class Device:
    """Computes with jax.numpy, without its care for signs and bounds, which steps do not need.

    It has every other name of jax.numpy too. There a number of steps is a real number.
    """

    sqrt = _of_reals(jnp.sqrt)
    exp = _of_reals(jnp.exp)
    expm1 = _of_reals(jnp.expm1)
    log = _of_reals(jnp.log)
    log1p = _of_reals(jnp.log1p)
    sin = _of_reals(jnp.sin)

    @staticmethod
    def abs(value: Number) -> Number:
        """Returns the value without its sign."""
        return abs(value) if isinstance(value, Steps) else jnp.abs(value)

    @staticmethod
    def maximum(first: Number, second: Number) -> Number:
        """Returns the larger of two; of two whole numbers, exactly."""
        if are_steps(first, second):
            return steps.select(first >= second, first, second)
        return jnp.maximum(real_of(first), real_of(second))

    @staticmethod
    def minimum(first: Number, second: Number) -> Number:
        """Returns the smaller of two; of two whole numbers, exactly."""
        if are_steps(first, second):
            return steps.select(first <= second, first, second)
        return jnp.minimum(real_of(first), real_of(second))

    @staticmethod
    def clip(value: Number, low: Number, high: Number) -> Number:
        """Returns the value, but `low` if it is below, and `high` if it is above."""
        return Device.minimum(Device.maximum(value, low), high)

    @staticmethod
    def where(condition: Number, if_true: Number, if_false: Number) -> Number:
        """Chooses element by element, by one operation: jnp.where is a function of its own."""
        if are_steps(if_true, if_false):
            return steps.select(condition, if_true, if_false)
        if_true, if_false = real_of(if_true), real_of(if_false)
        is_whole = jnp.issubdtype(jnp.result_type(if_true, if_false), jnp.integer)
        dtype = jnp.int32 if is_whole else jnp.float32
        values = [jnp.asarray(value, dtype) for value in (if_true, if_false)]
        condition = jnp.asarray(condition, jnp.bool)
        shape = jnp.broadcast_shapes(condition.shape, *(value.shape for value in values))
        return lax.select(*(jnp.broadcast_to(each, shape) for each in (condition, *values)))

    @staticmethod
    def real(whole: Number) -> Number:
        """Converts a whole number to float32."""
        if isinstance(whole, Steps):
            return whole.real
        return lax.convert_element_type(whole, jnp.float32)

    @staticmethod
    def whole(number: Number) -> Number:
        """Returns a number of steps in int32, without its slope."""
        return whole_of(number)

    @staticmethod
    def searchsorted(column: Number, value: Number, side: str = "left") -> Number:
        """Returns how many entries of a rising column are < value, or with "right" <= value."""
        is_whole = jnp.issubdtype(column.dtype, jnp.integer)
        return jnp.searchsorted(column, (whole_of if is_whole else real_of)(value), side=side)

    @staticmethod
    def count_below(column: Number, step: Number) -> Number:
        """Returns the number of entries < step.

        The column has 2^n rising entries, the last >= step. Half of those that are left are ruled
        out n times, which is the least to read: 10 cycles cost what 60,000 do, to a factor of two.
        """
        column, row = jnp.asarray(column), jnp.zeros_like(step := whole_of(step))
        width = column.size // 2
        while width:
            is_behind = Device.entry(column, row + (width - 1)) < step
            row += lax.select(is_behind, jnp.full_like(row, width), jnp.zeros_like(row))
            width //= 2
        return row

    @staticmethod
    def take(column: Number, row: Number) -> Number:
        """Returns `column[row]`: the first entry below row 0, the last behind the end."""
        column, row = jnp.asarray(column), jnp.asarray(whole_of(row)).astype(jnp.int32)
        return column.at[jnp.maximum(row, 0)].get(mode="clip")

    @staticmethod
    def entry(column: Number, row: Number) -> Number:
        """Returns `column[row]`. The row is known to exist, so that no bound needs care."""
        row = whole_of(row)
        return column.at[row].get(mode="promise_in_bounds", wrap_negative_indices=False)

    @staticmethod
    def power(base: Number, exponent: Number) -> Number:
        """Returns `base ** exponent`, for a base from 0 on. At a base of 0 its slope is 0."""
        base, exponent = real_of(base), real_of(exponent)
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
        return steps.with_slope(real_of(value), real_of(smooth))

    @staticmethod
    def fixed(value: Number) -> Number:
        """Returns the value as a constant: it has no gradient."""
        return Steps(value.whole) if isinstance(value, Steps) else lax.stop_gradient(value)


for _name, _found in vars(jnp).items():
    if not (_name.startswith("_") or hasattr(Device, _name)):
        is_function = callable(_found) and not isinstance(_found, type)
        setattr(Device, _name, _of_reals(_found) if is_function else _found)

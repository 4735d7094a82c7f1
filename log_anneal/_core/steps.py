"""A number of steps on the device: exact in int32, and with a slope in float32."""

from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Number: TypeAlias = Any
"""A Python number or list on the host; an array, a tracer or `Steps` on the device."""

MAX_STEP = 2**31 - 1
"""The last step that an int32 counter reaches."""

_LEAST, _MOST = -(2**31), MAX_STEP


class Steps:
    """Whole steps with Python's operators, for an equation on the device.

    Of two whole numbers, `+`, `-`, `*`, `//`, `%` and comparisons are exact: float32 would round
    steps above 2^24. `/` and every operation with a real number give float32. On the host, Python's
    own numbers do the same. Sums and products beyond int32 are held at its ends; their float32 is
    right all the same.

    The slope is that of the continuous schedule: `step % period` has one with respect to the
    period, and `step // period` has none.
    """

    __slots__ = ("real", "whole")
    __array_ufunc__ = None  # NumPy's numbers leave the operation to us
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, whole: Number, real: Number = None) -> None:
        self.whole = whole
        """int32."""
        self.real = lax.convert_element_type(whole, jnp.float32) if real is None else real
        """float32, with the slope."""

    def __repr__(self) -> str:
        """Shows the whole number."""
        return f"Steps({self.whole!r})"

    def __add__(self, other: Number) -> Number:
        return _exact(_sum, lambda a, b: a + b, self, other)

    def __radd__(self, other: Number) -> Number:
        return _exact(_sum, lambda a, b: a + b, other, self)

    def __sub__(self, other: Number) -> Number:
        return _exact(_difference, lambda a, b: a - b, self, other)

    def __rsub__(self, other: Number) -> Number:
        return _exact(_difference, lambda a, b: a - b, other, self)

    def __mul__(self, other: Number) -> Number:
        return _exact(_product, lambda a, b: a * b, self, other)

    def __rmul__(self, other: Number) -> Number:
        return _exact(_product, lambda a, b: a * b, other, self)

    def __floordiv__(self, other: Number) -> Number:
        return _quotient(self, _if_whole(other))

    def __rfloordiv__(self, other: Number) -> Number:
        return _quotient(_if_whole(other), self)

    def __mod__(self, other: Number) -> Number:
        return _remainder(self, _if_whole(other))

    def __rmod__(self, other: Number) -> Number:
        return _remainder(_if_whole(other), self)

    def __divmod__(self, other: Number) -> tuple[Number, Number]:
        return self // other, self % other

    def __rdivmod__(self, other: Number) -> tuple[Number, Number]:
        return other // self, other % self

    def __truediv__(self, other: Number) -> Number:
        return self.real / real_of(other)

    def __rtruediv__(self, other: Number) -> Number:
        return real_of(other) / self.real

    def __pow__(self, other: Number) -> Number:
        return self.real ** (other if isinstance(other, int) else real_of(other))

    def __rpow__(self, other: Number) -> Number:
        return jnp.power(other, self.real)

    def __neg__(self) -> Number:
        return 0 - self

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return select(self < 0, -self, self)

    def __lt__(self, other: Number) -> Number:
        return _compared(jnp.less, self, other)

    def __le__(self, other: Number) -> Number:
        return _compared(jnp.less_equal, self, other)

    def __gt__(self, other: Number) -> Number:
        return _compared(jnp.greater, self, other)

    def __ge__(self, other: Number) -> Number:
        return _compared(jnp.greater_equal, self, other)

    def __eq__(self, other: object) -> Any:
        return _compared(jnp.equal, self, other)

    def __ne__(self, other: object) -> Any:
        return _compared(jnp.not_equal, self, other)

    def __bool__(self) -> NoReturn:
        raise _no_number("`if`, `and`, `or`, `not`", "`xp.where(condition, a, b)`")

    def __float__(self) -> NoReturn:
        raise _no_number("`float()` and the functions of `math`", "`xp.cos(...)`, for example")

    def __index__(self) -> NoReturn:
        raise _no_number("an index, `int()` and `range()`", "`xp.take(table, row)`")


def whole_of(value: Number) -> Number:
    """Returns `Steps` as int32, without a slope. Anything else stays as it is."""
    return value.whole if isinstance(value, Steps) else value


def real_of(value: Number) -> Number:
    """Returns `Steps` as float32, with the slope. Anything else stays as it is."""
    return value.real if isinstance(value, Steps) else value


def are_steps(*values: Number) -> bool:
    """Tells whether all are whole numbers, and one at least is `Steps`."""
    return any(isinstance(each, Steps) for each in values) and all(map(_is_whole, values))


def as_steps(value: Number) -> Steps:
    """Returns a whole number as `Steps`."""
    if isinstance(value, Steps):
        return value
    if isinstance(value, int):
        return Steps(np.int32(min(max(value, _LEAST), _MOST)), jnp.float32(value))
    return Steps(lax.convert_element_type(value, jnp.int32))


def select(condition: Number, if_true: Number, if_false: Number) -> Steps:
    """Chooses one of two whole numbers, with its slope."""
    a, b = as_steps(if_true), as_steps(if_false)
    return Steps(jnp.where(condition, a.whole, b.whole), jnp.where(condition, a.real, b.real))


def _is_whole(value: Number) -> bool:
    if isinstance(value, (Steps, int)):
        return not isinstance(value, bool)
    return isinstance(value, (np.ndarray, np.generic, jax.Array)) and jnp.issubdtype(
        value.dtype, jnp.integer
    )


def _if_whole(value: Number) -> Number:
    """Returns a float that is a whole number as an int: 4.0 must not round the steps."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= _MOST
    return int(value) if is_whole else value


def _exact(whole: Callable[..., Any], real: Callable[..., Any], a: Number, b: Number) -> Number:
    """Computes with whole numbers in int32 and with the slopes in float32, or with reals alone."""
    if not are_steps(a, b):
        return real(real_of(a), real_of(b))
    a, b = as_steps(a), as_steps(b)
    exact, has_overflowed = whole(a.whole, b.whole)
    smooth = real(a.real, b.real)
    rounded = jnp.where(has_overflowed, smooth, exact.astype(jnp.float32))
    return Steps(exact, with_slope(rounded, smooth))


def with_slope(value: Number, smooth: Number) -> Number:
    """Returns `value`, with the gradient of `smooth`, whose last digits float32 has lost."""
    return lax.stop_gradient(value) + (smooth - lax.stop_gradient(smooth))


def _held(whole: Number, is_negative: Number, has_overflowed: Number) -> tuple[Number, Number]:
    """Holds a sum or product that int32 cannot hold at the nearer end of int32."""
    end = jnp.where(is_negative, jnp.int32(_LEAST), jnp.int32(_MOST))
    return jnp.where(has_overflowed, end, whole), has_overflowed


def _sum(a: Number, b: Number) -> tuple[Number, Number]:
    whole = jnp.add(a, b)
    return _held(whole, a < 0, ((a ^ whole) & (b ^ whole)) < 0)


def _difference(a: Number, b: Number) -> tuple[Number, Number]:
    whole = jnp.subtract(a, b)
    return _held(whole, a < 0, ((a ^ b) & (a ^ whole)) < 0)


def _product(a: Number, b: Number) -> tuple[Number, Number]:
    """Multiplies. Near 2^31 the sign tells an overflow, beyond it the rounded product."""
    whole = jnp.multiply(a, b)
    rounded = jnp.multiply(jnp.float32(a), jnp.float32(b))
    is_near = (jnp.abs(rounded) > 2.1e9) & ((whole < 0) != (rounded < 0))
    return _held(whole, rounded < 0, is_near | (jnp.abs(rounded) > 2.2e9))


def _quotient(a: Number, b: Number) -> Number:
    if not are_steps(a, b):
        return jnp.floor_divide(real_of(a), real_of(b))
    return Steps(jnp.floor_divide(as_steps(a).whole, as_steps(b).whole))


def _remainder(a: Number, b: Number) -> Number:
    if not are_steps(a, b):
        return jnp.remainder(real_of(a), real_of(b))
    a, b = as_steps(a), as_steps(b)
    exact = jnp.remainder(a.whole, b.whole)
    rounds = jnp.floor_divide(a.whole, b.whole).astype(jnp.float32)
    return Steps(exact, with_slope(exact.astype(jnp.float32), a.real - rounds * b.real))


def _compared(compare: Callable[..., Any], a: Number, b: Number) -> Number:
    b = _if_whole(b)
    if isinstance(b, int) and not _LEAST <= b <= _MOST:
        return compare(jnp.zeros_like(a.whole), 1 if b > 0 else -1)
    if are_steps(a, b):
        return compare(as_steps(a).whole, as_steps(b).whole)
    return compare(real_of(a), real_of(b))


def _no_number(use: str, way_out: str) -> TypeError:
    return TypeError(
        f"On the device a number of steps must not be used for {use}: it is an array, or is not "
        f"known yet. Use {way_out}."
    )

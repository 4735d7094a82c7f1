"""The functions of an equation on the host: Python's numbers, in float64."""

import math
from bisect import bisect_left, bisect_right

import numpy as np

from log_anneal._core.steps import Number


class Host:
    """Computes with Python's numbers, in float64. Steps and durations are ints.

    It has every other name of NumPy too.
    """

    pi, e, inf = math.pi, math.e, math.inf

    abs = abs
    sqrt = math.sqrt
    cbrt = math.cbrt
    exp = math.exp
    exp2 = math.exp2
    expm1 = math.expm1
    log = math.log
    log2 = math.log2
    log10 = math.log10
    log1p = math.log1p
    sin = math.sin
    cos = math.cos
    tan = math.tan
    arcsin = math.asin
    arccos = math.acos
    arctan = math.atan
    arctan2 = math.atan2
    hypot = math.hypot
    sinh = math.sinh
    cosh = math.cosh
    tanh = math.tanh
    arcsinh = math.asinh
    arccosh = math.acosh
    arctanh = math.atanh
    floor = math.floor
    ceil = math.ceil
    trunc = math.trunc
    maximum = max
    minimum = min
    real = float
    count_below = bisect_left

    @staticmethod
    def sign(value: Number) -> Number:
        """Returns -1, 0 or 1."""
        return (value > 0) - (value < 0)

    @staticmethod
    def square(value: Number) -> Number:
        """Returns the number times itself."""
        return value * value

    @staticmethod
    def power(base: float, exponent: float) -> float:
        """Returns `base ** exponent`, for a base that is not negative."""
        return math.pow(base, exponent)

    @staticmethod
    def clip(value: Number, low: Number, high: Number) -> Number:
        """Returns the value, but `low` if it is below, and `high` if it is above."""
        return min(max(value, low), high)

    @staticmethod
    def where(condition: bool, if_true: Number, if_false: Number) -> Number:
        """Chooses one of two."""
        return if_true if condition else if_false

    @staticmethod
    def logical_and(first: bool, second: bool) -> bool:
        """Tells whether both hold."""
        return bool(first and second)

    @staticmethod
    def logical_or(first: bool, second: bool) -> bool:
        """Tells whether one of the two holds."""
        return bool(first or second)

    @staticmethod
    def logical_not(condition: bool) -> bool:
        """Tells whether it does not hold."""
        return not condition

    @staticmethod
    def searchsorted(column: Number, value: Number, side: str = "left") -> int:
        """Returns how many entries of a rising column are < value, or with "right" <= value."""
        return (bisect_left if side == "left" else bisect_right)(column, value)

    @staticmethod
    def take(column: Number, row: Number) -> Number:
        """Returns `column[row]`: the first entry below row 0, the last behind the end."""
        return column[min(max(int(row), 0), len(column) - 1)]

    @staticmethod
    def entry(column: Number, row: Number) -> Number:
        """Returns `column[row]`. The row is known to exist."""
        return column[row]

    @staticmethod
    def stack(values: Number) -> Number:
        """Returns several numbers as one column."""
        return values

    @staticmethod
    def whole(steps: Number) -> Number:
        """Returns a number of steps without its slope."""
        return steps

    @staticmethod
    def with_slope(value: Number, smooth: Number) -> Number:
        """Returns `value`, with the gradient of `smooth`, whose last digits float32 has lost."""
        return value

    @staticmethod
    def fixed(value: Number) -> Number:
        """Returns the value as a constant: it has no gradient."""
        return value


# A class that looked names up by itself would make each call of `at` slower by a third.
for _name, _found in vars(np).items():
    if not (_name.startswith("_") or hasattr(Host, _name)):
        setattr(Host, _name, staticmethod(_found) if callable(_found) else _found)

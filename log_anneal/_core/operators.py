"""Products and sums of schedules, by Python's operators."""

from typing import Any

from log_anneal._core.record import SCHEDULES


class Operators:
    """Lets a schedule be combined with a schedule, a function of the step or a number."""

    __array_ufunc__ = None  # NumPy's numbers leave the product to us

    def __mul__(self, other: Any) -> Any:
        """Returns the product with a schedule, a function of the step or a number."""
        return _combined(self, other, "product")

    def __truediv__(self, number: float) -> Any:
        """Returns the quotient by a number."""
        return self * (1 / number)

    def __add__(self, other: Any) -> Any:
        """Returns the sum with a schedule, a function of the step or a number."""
        return _combined(self, other, "sum")

    __rmul__, __radd__ = __mul__, __add__


def _combined(first: Any, second: Any, operation: str) -> Any:
    """Builds a `CombinedSchedule`, found by its name: that class is built on this one."""
    cls: Any = SCHEDULES["combined"]
    return cls(first=first, second=second, operation=operation)

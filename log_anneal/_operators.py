"""Products and sums of schedules, by Python's operators."""

from typing import Any


class Operators:
    """A schedule with a schedule, a function of the step or a number."""

    __array_ufunc__ = None  # NumPy's numbers leave the product to us

    def __mul__(self, other: Any) -> Any:
        """The product with a schedule, a function of the step or a number."""
        from log_anneal._arithmetic import combine

        return combine(self, other, "product")

    def __truediv__(self, number: float) -> Any:
        """The quotient by a number."""
        return self * (1 / number)

    def __add__(self, other: Any) -> Any:
        """The sum with a schedule, a function of the step or a number."""
        from log_anneal._arithmetic import combine

        return combine(self, other, "sum")

    __rmul__, __radd__ = __mul__, __add__

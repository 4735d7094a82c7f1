"""Products, sums and differences of schedules, by Python's operators."""

from typing import Any, Generic, TypeVar

from log_anneal._core.record import SCHEDULES

S = TypeVar("S")


class Operators(Generic[S]):
    """Lets a schedule be combined with a schedule, a function of the step or a number."""

    __array_ufunc__ = None  # NumPy's numbers leave the product to us

    def __mul__(self, other: Any) -> S:
        """Returns the product with a schedule, a function of the step or a number."""
        return self._combined(self, other, "product")

    def __truediv__(self, number: float) -> S:
        """Returns the quotient by a number."""
        return self._combined(self, 1 / number, "product")

    def __add__(self, other: Any) -> S:
        """Returns the sum with a schedule, a function of the step or a number."""
        return self._combined(self, other, "sum")

    def __sub__(self, other: Any) -> S:
        """Returns the difference, which is below 0 where the other is larger."""
        return self._combined(self, other, "difference")

    def __rsub__(self, other: Any) -> S:
        """Returns the difference, which is below 0 where this one is larger."""
        return self._combined(other, self, "difference")

    def __neg__(self) -> S:
        """Returns the schedule with the other sign."""
        return self._combined(0.0, self, "difference")

    def __rmul__(self, other: Any) -> S:
        """Returns the product with a schedule, a function of the step or a number."""
        return self._combined(self, other, "product")

    def __radd__(self, other: Any) -> S:
        """Returns the sum with a schedule, a function of the step or a number."""
        return self._combined(self, other, "sum")

    def _combined(self, first: Any, second: Any, operation: str) -> S:
        """Builds a `CombinedSchedule`, found by its name: that class is built on this one."""
        cls: Any = SCHEDULES["combined"]
        combined: S = cls(first=first, second=second, operation=operation)
        return combined

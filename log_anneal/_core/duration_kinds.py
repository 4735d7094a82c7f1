"""The kinds of fields that are numbers of steps, or count."""

import dataclasses
import math
from fractions import Fraction
from typing import Any

import numpy as np

from log_anneal._core import check
from log_anneal._core.field_kinds import Kind, is_fixed
from log_anneal._core.slopes import StepsOfLeaf
from log_anneal._core.steps import MAX_STEP


@dataclasses.dataclass(frozen=True)
class Duration(Kind):
    """A number of steps. The whole number counts; its leaf is real, and has the gradient."""

    least: float = 1
    way_out: str = ""
    is_whole: bool = True
    is_optional: bool = False
    may_be_real: bool = False

    def check(self, name: str, value: Any) -> Any:
        is_leaf = check.is_array(value) and not check.is_traced(value)
        if self.is_optional and is_leaf and np.array_equal(value, 0):
            return None  # A leaf cannot be None: there it is an array of 0.
        check.known(name, value)
        count = check.plain(value)
        if self.may_be_real and isinstance(count, float) and math.isfinite(count):
            value = _whole_if_near(count)
        if self.is_whole and not self._is_between_steps(value):
            return check.steps(name, value, int(self.least), self.way_out)
        return check.real(name, check.number(name, value), self.least, MAX_STEP, self.way_out)

    def leaf(self, value: Any) -> Any:
        return np.asarray(value or 0, np.float64)

    def whole(self, value: float) -> int:
        return math.ceil(value)

    def _is_between_steps(self, value: Any) -> bool:
        """Tells whether a checked value is no whole number of steps, and may be so."""
        is_real = isinstance(value, float) and math.isfinite(value)
        return self.may_be_real and is_real and not value.is_integer()

    def given(self, value: Any, exact: Any) -> Any:
        value = super().given(value, exact)
        return None if self.is_optional and isinstance(value, int) and not value else value

    def on_host(self, leaf: Any, whole: Any) -> Any:
        return super().on_host(whole if is_fixed(whole) else leaf, None)

    def on_device(self, leaf: Any, whole: Any) -> Any:
        return leaf if whole is None else StepsOfLeaf(whole, leaf)

    def stretched(self, name: str, value: Any, factor: float) -> Any:
        if value is None:
            return None
        exact = check.stretched(name, value, factor)
        if self.may_be_real or not self.is_whole:
            return float(exact)
        return check.first_step(exact)


class Count(Duration):
    """A whole number of things that are no steps."""

    def check(self, name: str, value: Any) -> Any:
        try:
            return super().check(name, value)
        except ValueError:
            is_large = isinstance(value, int) and value > MAX_STEP
            got = check.shown(value) if is_large else repr(value)
            raise ValueError(
                f"`{name}` must be a whole number of at least {self.least}"
                f"{' and below 2^31' if is_large else ''}, got {got}. "
                + (check.of_text(value) or self.way_out)
            ) from None

    def stretched(self, name: str, value: Any, factor: float) -> Any:
        return value


def _whole_if_near(steps: float) -> float:
    """Returns a real number of steps, as an int if it is whole but for rounding."""
    first = check.first_step(Fraction(steps))
    return first if first == round(steps) and first - steps <= 1e-9 * max(1, first) else steps

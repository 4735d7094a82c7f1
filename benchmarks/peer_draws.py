"""Draws numbers at random, for the arguments of other libraries' schedules."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Arguments = dict[str, Any]
Cases = Mapping[str, Callable[["Draw"], Arguments]]
"""By the name of a schedule: a function that draws its arguments."""


class Draw:
    """Numbers at random."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def rate(self, low: float = 1e-4, high: float = 1.0) -> float:
        """A number whose logarithm is even between two bounds."""
        return float(np.exp(self.random.uniform(np.log(low), np.log(high))))

    def steps(self, low: int = 1, high: int = 60) -> int:
        """A whole number, below `high`."""
        return int(self.random.integers(low, high))

    def of(self, *choices: Any) -> Any:
        """One of several."""
        return choices[int(self.random.integers(len(choices)))]

    def rising(self, count: int, low: int, high: int) -> list[int]:
        """Whole numbers that rise."""
        return sorted(self.random.choice(np.arange(low, high), count, replace=False).tolist())

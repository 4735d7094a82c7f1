"""The statistics of a study: pure functions of a few numbers."""

import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy import optimize, stats

LEVEL = 0.95
"""The level of every confidence interval."""
ALPHA = 0.05
"""A test with a p below this is significant. It is also the level of each one-sided test."""
POWER = 0.8
"""The probability with which a study is to see a difference that is there."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over seeds; `mean` is None without a number, `half` with fewer than two."""

    n: int
    mean: float | None
    half: float | None
    """Half the width of the interval: it is `mean - half` to `mean + half`."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """The mean of differences paired over seeds, and its two-sided t-test against 0.

    With fewer than two pairs there is neither interval nor test, and none either where the
    differences do not vary: so few numbers, rounded alike, say nothing of how they scatter.
    """

    n: int
    mean: float | None
    half: float | None
    p: float | None
    error: float | None = None
    """The standard error of the mean: how far it would scatter if the study were made again."""

    @property
    def low(self) -> float | None:
        """Returns where the interval begins."""
        return None if self.mean is None or self.half is None else self.mean - self.half

    @property
    def high(self) -> float | None:
        """Returns where the interval ends."""
        return None if self.mean is None or self.half is None else self.mean + self.half

    @property
    def turned(self) -> "Difference":
        """Returns the difference with the two settings exchanged."""
        return dataclasses.replace(self, mean=None if self.mean is None else -self.mean)

    @property
    def detectable(self) -> float | None:
        """Returns the smallest difference that so many pairs, scattered like these, would show."""
        return self.detectable_at(ALPHA)

    def detectable_at(self, alpha: float) -> float | None:
        """Returns the same for a test at another level, as a correction for many tests sets it.

        Args:
          alpha: the level of the test, two-sided.
        """
        if self.error is None:
            return None
        return detectable(self.error * math.sqrt(self.n), self.n, alpha)

    @property
    def bound(self) -> float | None:
        """Returns the smallest margin within which two one-sided tests at 5 % confirm equality.

        The two-sided 90 % interval has two ends: it is the one farther from 0.
        """
        if self.mean is None or self.error is None:
            return None
        return abs(self.mean) + _quantile(1 - ALPHA, self.n - 1) * self.error

    def is_within(self, margin: float) -> bool:
        """Tells whether two one-sided t-tests (TOST) confirm that the difference is below a margin.

        Each is at 5 %: one says that the difference is above `-margin`, the other that it is below
        `margin`. Both say so exactly where the 90 % interval lies inside the margin.
        """
        return self.bound is not None and self.bound < margin


def estimate(values: Iterable[float | None]) -> Estimate:
    """Returns the mean and Student's t interval: `mean +- t(n - 1) s / sqrt(n)`.

    Args:
      values: one a seed; None and what is not finite are left out, and do not count in `n`.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    n = len(finite)
    if n == 0:
        return Estimate(0, None, None)
    return Estimate(n, float(np.mean(finite)), _t(n) * _error(finite) if n > 1 else None)


def paired(these: Mapping[int, float | None], those: Mapping[int, float | None]) -> Difference:
    """Returns the differences `these - those` over the seeds that have a finite number in both.

    Args:
      these: a number for each seed.
      those: a number for each seed of the other setting.
    """
    pairs = [(these[seed], those[seed]) for seed in sorted(these.keys() & those.keys())]
    both = [(a, b) for a, b in pairs if a is not None and b is not None and math.isfinite(a - b)]
    differences = [a - b for a, b in both]
    n = len(differences)
    if n == 0:
        return Difference(0, None, None, None)
    mean = float(np.mean(differences))
    scale = max(abs(value) for pair in both for value in pair)
    error = _error(differences) if n > 1 else 0.0
    if error <= 1e-12 * scale:
        return Difference(n, mean, None, None)
    p = 2 * float(stats.t.sf(abs(mean) / error, n - 1))
    return Difference(n, mean, _t(n) * error, p, error)


def detectable(deviation: float, n: float, alpha: float = ALPHA) -> float:
    """Returns the minimal detectable effect of a two-sided paired t-test, with 80 % power.

    If the true mean of the differences were this large, four of five such studies would call it
    significant. It solves `power(effect) = 0.8`, where the test's statistic has the noncentral t
    distribution with `n - 1` degrees of freedom and the noncentrality `effect sqrt(n) / deviation`.

    Args:
      deviation: the standard deviation of the paired differences.
      n: how many pairs there are, at least 2.
      alpha: the level of the test.
    """
    return deviation * _noncentrality(n, alpha) / math.sqrt(n)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Applies Holm's correction: each p is multiplied by the number of tests with as large a p.

    Sorted, `p_(k)` becomes the largest of `(m - j) p_(j)` for j = 0 .. k, and at most 1.

    Args:
      p_values: of all the comparisons that are made; None, where no test could be, is not counted.

    Returns:
      In the order given, p-values that hold for all the tests together; None stays None.
    """
    tests = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(tests):
        highest = min(1.0, max(highest, (len(tests) - rank) * p))
        corrected[place] = highest
    return corrected


@functools.cache
def _noncentrality(n: float, alpha: float) -> float:
    critical = _quantile(1 - alpha / 2, n - 1)
    if critical > 1000:  # with few pairs and many tests; SciPy's series does not converge there
        # The statistic is then the noncentrality over a chi, to seven digits.
        return critical * math.sqrt(float(stats.chi2.ppf(POWER, n - 1)) / (n - 1))

    def lacking(noncentrality: float) -> float:
        above = stats.nct.sf(critical, n - 1, noncentrality)
        below = stats.nct.sf(critical, n - 1, -noncentrality)  # nct.cdf(-critical, ...) may be NaN
        return float(above + below) - POWER

    # Power is at least 0.95 x 0.99 here, as the pairs hardly ever scatter more.
    enough = critical * math.sqrt(stats.chi2.ppf(0.95, n - 1) / (n - 1)) + 3
    return float(optimize.brentq(lacking, 0.0, enough, xtol=1e-12))


def _t(n: int) -> float:
    return _quantile((1 + LEVEL) / 2, n - 1)


@functools.cache
def _quantile(p: float, freedom: float) -> float:
    return float(stats.t.ppf(p, freedom))


def _error(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))

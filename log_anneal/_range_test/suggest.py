"""The suggestions of a learning-rate range test, or the reason why there are none."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Curve: TypeAlias = npt.NDArray[np.float64]

LEAST_STEPS = 10
"""The fewest losses that make a curve."""

_SURE = 5.0
"""The standard errors that a rise or a fall must have. Of pure noise, 1 curve in 500 has them."""


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """Learning rates that a range test suggests; None where it cannot, with the reason."""

    steepest: float | None = None
    """The rate at which the smoothed loss falls most steeply, over the logarithm of the rate."""
    valley: float | None = None
    """The rate two thirds along the longest decreasing run of the smoothed loss, from a tenth of
    its fall on. It follows fastai, whose code takes the middle: its average lags behind."""
    minimum_tenth: float | None = None
    """A tenth of the rate at which the smoothed loss is lowest."""
    bounds: tuple[float, float] | None = None
    """Smith's two rates: where the accuracy starts to rise, and where it slows, turns ragged or
    falls. The first is the last rate at which the smoothed accuracy has made a tenth of its rise.
    The second is the first rate at which it has made nine tenths, or at which single steps begin to
    scatter twice as far."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """The reason why a field is None, by the name of the field."""


class Unclear(Exception):  # noqa: N818, an answer, not an error
    """The curve does not show what is asked; the message says why, and the way out."""


def suggest(
    rates: Curve,
    losses: Curve,
    accuracies: Curve | None,
    *,
    diverged: bool,
    smoothing_steps: float,
) -> Suggestions:
    """Reads suggestions from the curves of a range test.

    Args:
      rates: rising.
      losses: one a rate; a last one that is not finite is left out.
      accuracies: likewise, or None.
      diverged: whether the loss left the curve upwards at the last rate.
      smoothing_steps: as `smooth` takes it.
    """
    is_finite = np.isfinite(losses)
    found: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    try:
        found |= of_loss(
            rates[is_finite],
            losses[is_finite],
            diverged=diverged,
            smoothing_steps=smoothing_steps,
        )
    except Unclear as reason:
        reasons |= dict.fromkeys(("steepest", "valley", "minimum_tenth"), str(reason))
    try:
        if accuracies is None:
            raise Unclear("the step gives no accuracy. Return it beside the loss.")
        is_finite &= np.isfinite(accuracies)
        found["bounds"] = of_accuracy(
            rates[is_finite],
            accuracies[is_finite],
            diverged=diverged,
            smoothing_steps=smoothing_steps,
        )
    except Unclear as reason:
        reasons["bounds"] = str(reason)
    return Suggestions(**found, reasons=reasons)


def of_loss(
    rates: Curve, losses: Curve, *, diverged: bool, smoothing_steps: float
) -> dict[str, float]:
    """Returns the rates `steepest`, `valley` and `minimum_tenth`.

    Args:
      rates: rising.
      losses: finite, one a rate.
      diverged: whether the loss left the curve upwards after the last rate.
      smoothing_steps: as `smooth` takes it.

    Raises:
      Unclear: the loss does not fall, falls from the first rate on, or to the last one.
    """
    _refuse_short(losses)
    losses = without_spikes(losses)
    level, error = smooth(losses, smoothing_steps)
    bottom = int(level.argmin())
    if not _differ(losses, level, error, 0, bottom):
        raise Unclear(
            f"the loss never falls by more than its noise up to a rate of {rates[-1]:.2g}. "
            "Take more `num_steps`; lower `min_value` if it only rises, else raise `max_value`."
        )
    end = bottom + int(level[bottom:].argmax())
    if not diverged and not _differ(losses, level, error, bottom, end):
        raise Unclear(
            f"the loss does not rise again up to the highest rate, {rates[-1]:.2g}. "
            "Raise `max_value`."
        )
    done = (level[0] - level) / (level[0] - level[bottom])
    begun = int(np.flatnonzero(done[: bottom + 1] <= 0.1)[-1])
    if _begins_at_once(rates, losses, level, error, bottom):
        raise Unclear(f"the loss falls from the lowest rate on, {rates[0]:.2g}. Lower `min_value`.")
    # After nine tenths of the fall, single batches may drive the loss up and down.
    steepest = int(slope(rates, level, smoothing_steps)[: np.argmax(done >= 0.9) + 1].argmin())
    run = longest_fall(level[begun : bottom + 1])
    return {
        "steepest": float(rates[steepest]),
        "valley": float(rates[begun + run[2 * (len(run) - 1) // 3]]),
        "minimum_tenth": float(rates[bottom]) / 10,
    }


def of_accuracy(
    rates: Curve, accuracies: Curve, *, diverged: bool, smoothing_steps: float
) -> tuple[float, float]:
    """Returns Smith's two bounds.

    Raises:
      Unclear: the accuracy does not rise, rises from the first rate on, or to the last one.
    """
    _refuse_short(accuracies)
    level, error = smooth(accuracies, smoothing_steps)
    top = int(level.argmax())
    start = int(level[: top + 1].argmin())
    if not _differ(accuracies, level, error, start, top):
        raise Unclear("the accuracy never rises by more than its noise. Take more `num_steps`.")
    end = top + int(level[top:].argmin())
    if not diverged and not _differ(accuracies, level, error, top, end):
        raise Unclear(
            f"the accuracy does not fall again up to the highest rate, {rates[-1]:.2g}. "
            "Raise `max_value`."
        )
    rise = level[top] - level[start]
    done = (level - level[start]) / rise
    low = int(np.flatnonzero(done[: top + 1] <= 0.1)[-1])
    if low == 0 or _begins_at_once(rates, accuracies, level, error, top):
        raise Unclear(
            f"the accuracy rises from the lowest rate on, {rates[0]:.2g}. Lower `min_value`."
        )
    high = low + int(np.argmax(done[low:] >= 0.9))
    scatter = smooth((accuracies - level) ** 2, smoothing_steps)[0] ** 0.5
    is_ragged = scatter > max(2 * float(np.median(scatter[: high + 1])), 0.1 * rise)
    ragged = low + 1 + np.flatnonzero(is_ragged[low + 1 : high])
    return float(rates[low]), float(rates[ragged[0] if len(ragged) else high])


def smooth(values: Curve, smoothing_steps: float) -> tuple[Curve, Curve]:
    """Returns the mean around each step, and its standard error for values of unit deviation.

    Values count by `exp(-(distance / smoothing_steps)^2 / 2)`, the distance in steps.
    """
    reach = math.ceil(4 * smoothing_steps)
    kernel = np.exp(-((np.arange(-reach, reach + 1) / smoothing_steps) ** 2) / 2)
    each = slice(reach, -reach)
    ones = np.ones_like(values)
    total = np.convolve(ones, kernel)[each]
    level: Curve = np.convolve(values, kernel)[each] / total
    return level, np.sqrt(np.convolve(ones, kernel**2)[each]) / total


def slope(rates: Curve, level: Curve, smoothing_steps: float) -> Curve:
    """Differentiates a curve with respect to log rate, over twice `smoothing_steps` steps."""
    x = np.log(rates)
    reach = smoothing_steps * (x[-1] - x[0]) / (len(x) - 1)
    low, high = np.maximum(x - reach, x[0]), np.minimum(x + reach, x[-1])
    fall: Curve = (np.interp(high, x, level) - np.interp(low, x, level)) / (high - low)
    return fall


def longest_fall(values: Curve) -> list[int]:
    """Finds the longest run, gaps allowed, in which each value is below the one before."""
    ends: list[float] = []  # for each length of run, its last value, negated
    places: list[int] = []
    before = np.full(len(values), -1)
    for place, value in enumerate(-values):
        length = bisect_right(ends, value)
        if length and ends[length - 1] == value:
            continue
        before[place] = places[length - 1] if length else -1
        ends[length : length + 1], places[length : length + 1] = [value], [place]
    run = [places[-1]]
    while before[run[-1]] >= 0:
        run.append(int(before[run[-1]]))
    return run[::-1]


def without_spikes(losses: Curve) -> Curve:
    """Cuts off losses that are farther above the first ones than the lowest is below them."""
    start = np.median(losses[: max(3, len(losses) // 10)])
    cut: Curve = np.minimum(losses, 2 * start - losses.min())
    return cut


def _differ(values: Curve, level: Curve, error: Curve, first: int, last: int) -> bool:
    """Tells whether the smoothed curve differs between two places by more than its noise."""
    noise = np.sqrt(np.mean(np.diff(values[first : last + 1]) ** 2) / 2) if first < last else 0.0
    sure = _SURE * noise * np.hypot(error[first], error[last])
    return bool(abs(level[last] - level[first]) > max(sure, 1e-6 * np.abs(level).max()))


def _begins_at_once(rates: Curve, values: Curve, level: Curve, error: Curve, end: int) -> bool:
    """Tells whether a curve changes from the first rate on, without a flat part before."""
    near = max(1, int(np.searchsorted(rates, rates[0] ** 0.9 * rates[end] ** 0.1)))
    share = (level[near] - level[0]) / (level[end] - level[0])
    return bool(share > 0.05) and _differ(values, level, error, 0, near)


def _refuse_short(values: Curve) -> None:
    if len(values) < LEAST_STEPS:
        raise Unclear(
            f"there are {len(values)} finite steps, and a curve needs {LEAST_STEPS}. "
            "Lower `min_value`, or take more `num_steps`."
        )

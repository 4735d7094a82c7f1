"""The axes of a picture in characters: what they cover, and the round numbers on them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from log_anneal._show import contents
from log_anneal._show.contents import Points


class Frame(NamedTuple):
    """The steps and values that a picture covers."""

    num_steps: int
    low: float
    high: float
    is_log: bool

    def across(self, steps: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Returns 0 for step 0, 1 for the last."""
        return np.asarray(np.divide(steps, max(self.num_steps - 1, 1)))

    def down(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Returns 0 for the highest value, 1 for the lowest."""
        scale = np.log if self.is_log else np.asarray
        low, high = scale(self.low), scale(self.high)
        return np.asarray((high - scale(np.clip(values, self.low, self.high))) / (high - low))


def rounded(curves: Sequence[Points], num_steps: int, most: int) -> tuple[Frame, dict[float, str]]:
    """Makes an axis from one round value to another, and writes about `most` of them."""
    low = contents.lowest(curves, log_scale=False)
    high = max(float(curve.values.max()) for curve in curves)
    step, digits = _round_step((high - low or high or 1.0) / most)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    written = f".{digits}f" if digits <= 4 and step < 1e5 else "g"
    ticks = {index * step: f"{index * step:{written}}" for index in range(first, last + 1)}
    return Frame(num_steps, first * step, last * step, is_log=False), ticks


def decades(curves: Sequence[Points], num_steps: int, most: int) -> tuple[Frame, dict[float, str]]:
    """Makes a logarithmic axis between powers of ten, and writes at most `most` of them."""
    low = contents.lowest(curves, log_scale=True)
    if low <= 0:
        return rounded(curves, num_steps, most)
    high = max(float(curve.values.max()) for curve in curves)
    first = math.floor(math.log10(low) + 1e-9)
    last = max(math.ceil(math.log10(high) - 1e-9), first + 1)
    apart = -(-(last - first + 1) // most)
    ticks = {10.0**power: f"{10.0**power:g}" for power in range(last, first - 1, -apart)}
    return Frame(num_steps, 10.0**first, 10.0**last, is_log=True), ticks


def step_ticks(num_steps: int, columns: int) -> dict[float, str]:
    """Returns round steps, as many as their numbers leave room for."""
    most = max(columns // (len(f"{num_steps:,}") + 4), 1)
    step = max(int(_round_step(num_steps / most)[0]), 1)
    return {float(each): f"{each:,}" for each in range(0, num_steps, step)}


def _round_step(least: float) -> tuple[float, int]:
    """Finds the smallest of 1, 2 or 5 times a power of ten that is enough, and its decimals."""
    power = math.floor(math.log10(least))
    factor = next(factor for factor in (1, 2, 5, 10) if factor * 10.0**power >= least * (1 - 1e-9))
    return factor * 10.0**power, max(0, -power - (factor == 10))


def places(
    ticks: Mapping[float, str], part: Callable[[float], npt.NDArray[np.float64]], size: int
) -> dict[int, str]:
    """Returns the cell of each tick among `size` in a row."""
    return {round((size - 1) * float(part(tick))): text for tick, text in ticks.items()}

"""Series of numbers over time: the Mackey-Glass equation, and columns of a CSV file."""

import csv
import functools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from train.errors import UserError, did_you_mean

_STEP, _STEPS_A_SAMPLE, _TRANSIENT = 0.1, 10, 1000


@functools.lru_cache(maxsize=4)
def mackey_glass(tau: int, length: int, seed: int) -> np.ndarray:
    """Returns samples of a solution of the Mackey-Glass equation, one for each unit of time.

    `dx/dt = 0.2 x(t - tau) / (1 + x(t - tau)^10) - 0.1 x(t)`, which is chaotic from a delay of
    about 17 on. It is solved by the classical Runge-Kutta method with a step of 0.1; between two
    steps, the delayed value is the mean of both. The values before time 0 are drawn from 1.1 to
    1.3, and the first 1000 units of time are left out. It is made of sums, products and quotients
    alone, so that every machine has the same bits.

    Args:
      tau: the delay.
      length: the number of samples.
      seed: of the values before time 0.

    Returns:
      float64, [length].

    References:
      M. C. Mackey and L. Glass, "Oscillation and Chaos in Physiological Control Systems",
      Science 197 (1977), 287-289.
      J. D. Farmer and J. J. Sidorowich, "Predicting Chaotic Time Series", Physical Review Letters
      59 (1987), 845-848: forecasts of it at these delays, and their normalised error.
    """
    lag = round(tau / _STEP)
    draws = np.random.Philox(key=np.array([seed, tau], np.uint64)).random_raw(lag + 1)
    x = [1.1 + 0.2 * (int(draw) / 2**64) for draw in draws]
    samples, h = [], _STEP
    for step in range((length + _TRANSIENT) * _STEPS_A_SAMPLE):
        now, early, late = x[-1], x[step], x[step + 1]
        a, b, c = _growth(early), _growth((early + late) / 2), _growth(late)
        k1 = a - 0.1 * now
        k2 = b - 0.1 * (now + h / 2 * k1)
        k3 = b - 0.1 * (now + h / 2 * k2)
        k4 = c - 0.1 * (now + h * k3)
        x.append(now + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
        if (step + 1) % _STEPS_A_SAMPLE == 0:
            samples.append(x[-1])
    return np.array(samples[_TRANSIENT:])


def _growth(delayed: float) -> float:
    square = delayed * delayed
    fourth = square * square
    return 0.2 * delayed / (1 + fourth * fourth * square)


def read_csv(path: Path, columns: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Reads columns of numbers from a CSV file whose first line names them.

    Args:
      path: the file, whose lines are in the order of time.
      columns: the names of the columns; empty: all.

    Returns:
      The names, and the numbers, float64, [lines, columns].

    Raises:
      UserError: the file or a column cannot be read, or a value is no finite number.
    """
    try:
        with path.expanduser().open(newline="", encoding="utf-8-sig") as file:
            head, *lines = list(csv.reader(file)) or [[]]
    except (OSError, RuntimeError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"`dataset` must name a CSV file that can be read, got {path} ({error}). Give it as "
            "csv:PATH."
        ) from error
    names = tuple(columns or head)
    for name in names:
        if name not in head:
            hint = did_you_mean(name, head) or f"There are {', '.join(head)}."
            raise UserError(
                f"`task.columns` must be in the first line of {path}, got {name!r}. {hint}"
            )
    places = [head.index(name) for name in names]
    numbers = [
        [_number(path, place, line, name, at) for name, at in zip(names, places, strict=True)]
        for place, line in enumerate(lines, 2)
        if line
    ]
    return names, np.array(numbers, np.float64).reshape(-1, len(names))


def _number(path: Path, place: int, line: Sequence[str], name: str, at: int) -> float:
    text = line[at] if at < len(line) else ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(
            f"A CSV file must hold finite numbers, got {text!r} as {name} in line {place} of "
            f"{path}. Mend the line, or name other columns in `task.columns`."
        )
    return value

"""What a forecast is measured by: windows of a series, simple forecasts, and their picture."""

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure


class Windows(NamedTuple):
    """Windows of a series, and the value that each is to forecast."""

    past: Any
    """float32, [n, window, columns]."""
    future: Any
    """float32, [n, columns]."""


def windows_of(series: np.ndarray, window: int, horizon: int) -> Windows:
    """Returns all windows of a series.

    Args:
      series: float32, [samples, columns].
      window: the number of samples in each.
      horizon: how many samples after a window's last one its future lies.
    """
    views = np.lib.stride_tricks.sliding_window_view(series, window, 0).swapaxes(1, 2)
    return Windows(views[:-horizon], series[window + horizon - 1 :])


def linear_autoregression(train: Windows, past: np.ndarray) -> np.ndarray:
    """Returns the forecasts of a linear function of the window, fitted by least squares.

    Args:
      train: what it is fitted on.
      past: the windows to forecast from, [n, window, columns].

    Returns:
      float64, [n, columns].
    """
    weights = np.linalg.lstsq(_regressors(train.past), train.future, rcond=None)[0]
    forecasts: np.ndarray = _regressors(past) @ weights
    return forecasts


def nrmse(forecasts: np.ndarray, truth: np.ndarray) -> float:
    """Returns the root of the mean squared error of values that are scaled to a deviation of 1."""
    return float(np.sqrt(np.square(forecasts.astype(np.float64) - truth).mean()))


def drawn(truth: np.ndarray, lines: Mapping[str, np.ndarray], title: str) -> bytes:
    """Draws forecasts of the first column beside the truth, as a PNG file.

    Args:
      truth: [n, columns].
      lines: two forecasts, [n, columns], by their names.
      title: of the picture.
    """
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(truth[:, 0], color="0.2", linewidth=1.6, label="truth")
    for (name, values), color in zip(lines.items(), ("tab:red", "tab:blue"), strict=True):
        axes.plot(values[:, 0], color=color, linewidth=1, label=name)
    axes.set(xlabel="sample of the test part", ylabel="first column, scaled", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()


def _regressors(past: np.ndarray) -> np.ndarray:
    """Returns the values of each window in float64, and a 1 beside them."""
    flat = past.reshape(len(past), -1).astype(np.float64)
    return np.concatenate([flat, np.ones((len(flat), 1))], 1)

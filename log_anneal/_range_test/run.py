"""The learning-rate range test."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core import check
from log_anneal._range_test.picture import Measured, plot_range_test
from log_anneal._range_test.suggest import Curve, Suggestions, smooth, suggest
from log_anneal._range_test.sweep import Sweep, sweep_rates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

State = TypeVar("State")
Step: TypeAlias = Callable[
    [State, jax.Array],
    tuple[State, jax.typing.ArrayLike] | tuple[State, jax.typing.ArrayLike, jax.typing.ArrayLike],
]

_MEASURED = ("loss", "accuracy")


@dataclass(frozen=True, kw_only=True, eq=False)
class RangeTest:
    """The record of a range test, a number a step. The last step is the one that stopped it."""

    rates: Curve
    """The rates, [steps], rising."""
    losses: Curve
    """The losses, [steps], of each batch before its update."""
    accuracies: Curve | None = None
    """The accuracies, [steps], of each batch before its update; None if the step gave none."""
    stopped: str | None = None
    """A sentence that says how the loss diverged; None if the sweep went to its end."""
    smoothing_steps: float
    """The steps over which `smooth_losses`, `smooth_accuracies` and the suggestions average. It is
    the standard deviation of a normal curve around each step, so that nothing moves to higher
    rates."""

    @property
    def smooth_losses(self) -> Curve:
        """The smoothed losses, [steps]; NaN where the loss is not finite."""
        return _smooth(self.losses, self.smoothing_steps)

    @property
    def smooth_accuracies(self) -> Curve | None:
        """The smoothed accuracies, [steps]; NaN where the loss or the accuracy is not finite."""
        if self.accuracies is None:
            return None
        kept = np.where(np.isfinite(self.losses), self.accuracies, np.nan)
        return _smooth(kept, self.smoothing_steps)

    def suggestions(self) -> Suggestions:
        """Returns four rates, or the reason why the curves do not show one; see `Suggestions`."""
        return suggest(
            self.rates,
            self.losses,
            self.accuracies,
            diverged=self.stopped is not None,
            smoothing_steps=self.smoothing_steps,
        )

    def plot(self) -> "Figure":
        """Draws loss and accuracy over the rate, with the suggestions. It needs matplotlib.

        Returns:
          The figure: `figure.savefig("range_test.png")`.
        """
        accuracy = None
        if self.accuracies is not None:
            assert self.smooth_accuracies is not None
            accuracy = Measured(self.accuracies, self.smooth_accuracies)
        return plot_range_test(
            self.rates,
            Measured(self.losses, self.smooth_losses),
            accuracy,
            self.suggestions(),
            has_stopped=self.stopped is not None,
        )


def lr_range_test(
    step_fn: Step[State],
    state: State,
    *,
    min_value: float = 1e-7,
    max_value: float = 10.0,
    num_steps: int = 100,
    sweep: Sweep = "exponential",
    stop_factor: float = 4.0,
    smoothing_steps: float | None = None,
) -> RangeTest:
    """Trains for a few steps at a rising rate, and records the loss at each.

    The rates are those of `sweep_schedule`. The test stops at the first step whose loss or accuracy
    is not finite. It also stops where the mean of the last `smoothing_steps` losses passes
    `stop_factor` times the smallest such mean, if that is above 0. Either is a divergence, and its
    step is the last of the record.

    The test changes nothing of the caller's: it trains a copy of `state`, which `step_fn` may
    donate, and drops it. Choose each batch by something in `state`, a counter or a key. If every
    step reads the same batch, the test shows how well that batch is learnt by heart. As long as
    each image is seen once, the loss and the accuracy of a batch before its update are those of
    held-out data, and need no evaluation.

    Args:
      step_fn: `(state, rate) -> (state, loss)` or `(state, loss, accuracy)`: one update, pure, and
        best under `jax.jit`; `rate` is a float32 scalar, `loss` a scalar, `accuracy` in 0..1.
      state: any pytree: parameters, optimizer state, counter, key.
      min_value: the first rate, so low that nothing is learnt.
      max_value: the last rate, so high that the loss diverges.
      num_steps: how many, at least 10; hundreds where single batches are noisy.
      sweep: "exponential" or "linear".
      stop_factor: above 1; `math.inf` to stop at what is not finite alone.
      smoothing_steps: at least 1; None for 3 % of `num_steps`.

    Returns:
      The record; `.suggestions()` and `.plot()` make something of it.

    Raises:
      ValueError: an argument breaks its rule, or a loss is not a scalar.
      TypeError: `step_fn` returns something else than two or three things.

    Example:
      >>> def step(state, rate):  # gradient descent on (x - target)^2
      ...     x, count = state
      ...     error = x - 0.01 * (count * 5 % 7)  # the target of this step's batch
      ...     return (x - rate * 2 * error, count + 1), error**2
      >>> test = lr_range_test(step, (5.0, 0), min_value=1e-4)
      >>> test.stopped
      'the loss rose to 0.00251, over 4 times its lowest mean, at a rate of 0.98'
      >>> test.suggestions().steepest < 1.0  # from which on each step makes it worse
      True

    References:
      L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2015, section 3.3. Its
      sweep is linear over several epochs, and the accuracy that of the test set.
    """
    rates = sweep_rates(min_value, max_value, num_steps, sweep)
    if not stop_factor > 1:
        raise ValueError(
            f"`stop_factor` must be above 1, got {stop_factor}. Take 4, or `math.inf` for none."
        )
    width = max(1.0, 0.03 * num_steps) if smoothing_steps is None else float(smoothing_steps)
    if not 1 <= width <= num_steps:
        raise ValueError(
            f"`smoothing_steps` must be from 1 to `num_steps` ({num_steps}), got {width:g}. "
            "Leave it out for 3 % of them."
        )
    state = jax.tree.map(_copy, state)
    records: list[tuple[float, ...]] = []
    means: list[float] = []
    stopped = None
    for rate in rates:
        state, *measured = _checked(step_fn(state, jnp.float32(rate)))
        records.append(tuple(map(_scalar, _MEASURED, measured)))
        recent = [loss for loss, *_ in records[-round(width) :]]
        if len(recent) == round(width):
            means.append(sum(recent) / len(recent))
        if stopped := _divergence(records, means, stop_factor):
            stopped += f" at a rate of {rate:.2g}"
            break
    losses, *accuracies = np.array(records, np.float64).T
    return RangeTest(
        rates=rates[: len(losses)],
        losses=losses,
        accuracies=accuracies[0] if accuracies else None,
        stopped=stopped,
        smoothing_steps=width,
    )


def _copy(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, (jax.Array, np.ndarray)) else leaf


def _checked(returned: Any) -> Any:
    if not isinstance(returned, tuple) or len(returned) not in (2, 3):
        got = f"{len(returned)} things" if isinstance(returned, tuple) else type(returned).__name__
        raise TypeError(
            f"`step_fn` must return (state, loss) or (state, loss, accuracy), got {got}. "
            "Put all that a step changes into the state."
        )
    return returned


def _scalar(name: str, value: Any) -> float:
    if not isinstance(value, (int, float, np.number)) and not check.is_array(value):
        raise TypeError(
            f"The {name} of `step_fn` must be a number, got {value!r}. "
            "Put what else a step gives into the state."
        )
    if np.ndim(value):
        raise ValueError(
            f"The {name} of `step_fn` must be a scalar, got an array of shape {np.shape(value)}. "
            "Take its mean."
        )
    return float(value)


def _divergence(
    records: list[tuple[float, ...]], means: list[float], stop_factor: float
) -> str | None:
    """Says how the last step shows a divergence; None if it does not."""
    if len(records[-1]) != len(records[0]):
        raise TypeError(
            "`step_fn` must return an accuracy at every step or at none, got both. "
            "Return the same at every step."
        )
    for name, value in zip(_MEASURED, records[-1], strict=False):
        if not math.isfinite(value):
            return f"the {name} was {value}"
    if len(means) > 1 and math.isfinite(stop_factor) and means[-1] > stop_factor * min(means) > 0:
        return f"the loss rose to {means[-1]:.3g}, over {stop_factor:g} times its lowest mean,"
    return None


def _smooth(values: Curve, smoothing_steps: float) -> Curve:
    level = np.full_like(values, np.nan)
    if (is_finite := np.isfinite(values)).any():
        level[is_finite] = smooth(values[is_finite], smoothing_steps)[0]
    return level

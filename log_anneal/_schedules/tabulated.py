"""Any curve, as a table of its values."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, cast

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core import check
from log_anneal._core.backend import MAX_STEP, Backend, Number
from log_anneal._core.fields import duration, numbers, option
from log_anneal._core.schedule import Schedule
from log_anneal._curve.table import Row
from log_anneal._curve.tracks import Curve, Track


class TabulatedSchedule(Schedule):
    """Values that hold, or lines between them; see `tabulated_schedule`.

    Args:
      values: The rates at steps 0, `interval_steps`, 2 `interval_steps` and so on. At least one.
        From 0 to 1e30.
      interval_steps: The distance from one rate to the next. Whole steps, at least 1.
      interpolation: The rate between two of the table: "hold" keeps the earlier one, "linear" draws
        a straight line.
    """

    name: ClassVar[str] = "tabulated"

    values: Sequence[float] = numbers(least_length=1)
    interval_steps: int = duration(default=1, way_out="Take 1 for a value a step.")
    interpolation: Literal["hold", "linear"] = option("hold", "linear", default="hold")

    def _derive(self) -> Any:
        return np.asarray(len(self.values) - 1, np.int32)

    def value_at(self, step: Number, xp: Backend) -> Number:
        last = self._derived
        passed = xp.whole(step // self.interval_steps)
        row = xp.minimum(passed, last)
        value = xp.entry(self.values, row)
        if self.interpolation == "hold":
            return value
        following = xp.entry(self.values, xp.minimum(row + 1, last))
        z = step % self.interval_steps / self.interval_steps
        z = xp.where(passed < last, z, 0.0)
        return (1 - z) * value + z * following

    def ends_at(self) -> int | None:
        interval, last = self.interval_steps, int(self._derived)
        if last * interval <= MAX_STEP:
            return last * interval
        return None if self.interpolation == "linear" else MAX_STEP // interval * interval

    def _tracks(self) -> Track:
        shape = "level" if self.interpolation == "hold" else "linear"
        values = Curve(shape, 0.0, 0.0, table=self.values)
        return Track([Row(0, self.interval_steps)], [values])


def tabulated_schedule(
    values: Sequence[float] | Callable[[Any], Any] | jax.typing.ArrayLike,
    *,
    num_steps: int | None = None,
    interval_steps: int = 1,
    interpolation: Literal["hold", "linear"] = "hold",
) -> TabulatedSchedule:
    """Makes data of any schedule: a table of values, from a function of the step or an array.

        hold    values[step // interval_steps]
        linear  (1 - z) values[i] + z values[i + 1],  i + z = step / interval_steps

    At step 0 and before, the value is the first. From step `(n - 1) interval_steps` on it is the
    last. The gradient reaches the values. With lines between them it reaches `interval_steps` too.

    Args:
      values: the rates, one-dimensional, at least one, each from 0 to 1e30; or a schedule or any
        function of the step. Its values are taken at steps 0, `interval_steps`, ... below
        `num_steps`. JAX need not be able to trace the function: then it is called with ints.
      num_steps: the number of steps to follow a function. For an array, leave it out.
      interval_steps: the distance from one rate to the next. Whole steps, at least 1.
      interpolation: the rate between two of the table: "hold" keeps the earlier one, "linear" draws
        a straight line.

    Returns:
      A schedule that JSON can hold, whatever it was made from.

    Raises:
      ValueError: an argument is out of its range, or the function gives no number.

    Example:
      >>> tabulated_schedule([1.0, 0.5, 0.0], interval_steps=10, interpolation="linear").at(15)
      0.25
      >>> import optax
      >>> tabulated_schedule(optax.linear_schedule(1.0, 0.0, 4), num_steps=5).values
      (1.0, 0.75, 0.5, 0.25, 0.0)
      >>> tabulated_schedule(lambda epoch: 0.1 if epoch < 2 else 0.01, num_steps=4).values
      (0.1, 0.1, 0.01, 0.01)
    """
    if callable(values) == (num_steps is None):
        raise ValueError(
            f"`num_steps` must be given with a function, and with nothing else, got {num_steps}. "
            "Say how far to follow the function, or give the values alone."
        )
    if num_steps is not None:
        count = check.steps("num_steps", num_steps, 1)
        taken = np.arange(0, count, check.steps("interval_steps", interval_steps, 1))
        values = _followed(values, taken)
    return TabulatedSchedule(
        values=cast("Sequence[float]", values),
        interval_steps=interval_steps,
        interpolation=interpolation,
    )


def _followed(function: Any, steps: Any) -> Any:
    """Returns the values at some steps: by JAX at once, or else by Python's ints one by one.

    JAX cannot trace each function: not `math.cos`, nor one with an `if` on the step. Whatever it
    raises there, the function is asked again with ints, and its own error shows.
    """
    if isinstance(function, Schedule):
        return function.at(steps)
    try:
        values = jax.vmap(function)(jnp.asarray(steps, jnp.int32))
    except Exception:  # a tracer may fail anywhere in the function, with any error
        values = None
    if check.is_array(values) and check.is_real(values) and values.shape == steps.shape:
        return np.asarray(values)
    return [_number(function(step), step) for step in steps.tolist()]


def _number(value: Any, step: int) -> Any:
    """Returns what a function gave for a step, if it is a number."""
    if not check.is_number(value):
        raise ValueError(
            f"`values` must give one number for one step, got {value!r} at step {step}. "
            "Return a number, or index the array."
        )
    return check.plain(value)

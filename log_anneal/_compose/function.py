"""Any function of the step as a schedule, and whatever may stand for a schedule as one."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core import check
from log_anneal._core.as_function import AsFunction
from log_anneal._core.backend import Backend, Host, Number
from log_anneal._core.fields import function
from log_anneal._core.schedule import Schedule
from log_anneal._core.tree import stack_shape
from log_anneal._schedules.constant import ConstantSchedule


class FunctionSchedule(Schedule):
    """A plain `optax.Schedule`, so that it may be a part of a chain, a product or a loop.

    The function is called with steps from 0 to 2^31 - 1 only. On the host it runs by JAX, and
    returns JAX's float32 numbers. JSON cannot hold a function, and `stretch` cannot change one:
    `tabulated_schedule(function, num_steps=...)` makes data of it, and takes functions that JAX
    cannot trace.

    Args:
      function: The function, by JAX, from one whole step to one number.

    Raises:
      ValueError: it is no function.

    Example:
      >>> import optax
      >>> function_schedule(function=optax.linear_schedule(1.0, 0.0, 4)).at(1)
      0.75
    """

    name: ClassVar[str] = "function"

    function: Callable[[Any], Any] = function(is_of_steps=True)

    def value_at(self, step: Number, xp: Backend) -> Number:
        if xp is Host:
            with jax.ensure_compile_time_eval():  # a caller may be tracing
                return float(self._one(jnp.int32(step)))
        return jnp.vectorize(self._one)(xp.whole(step))

    def _one(self, step: jax.Array) -> jax.Array:
        try:
            value = self.function(step)
        except TypeError as error:  # those of tracers are such ones
            said = f"{type(error).__name__}: {''.join(str(error).splitlines()[:1])}"
            raise TypeError(
                "`function` must be one that JAX can trace, got "
                f"{self._kinds['function'].shown(self.function)}, which raises {said} "
                "For a function of Python's own, with `if` or `math`, take "
                "`tabulated_schedule(function, num_steps=...)`."
            ) from error
        if np.shape(value):
            raise ValueError(
                f"`function` must give one number for one step, got shape {np.shape(value)}. "
                "Index it, or take its mean."
            )
        if not check.is_number(value):
            raise ValueError(
                f"`function` must give one number for one step, got {value!r}. Return a number."
            )
        return jnp.asarray(value, jnp.float32)


function_schedule = FunctionSchedule


def as_schedule(name: str, value: Any) -> Schedule:
    """Returns a schedule as it is, a number as a constant, a function as a `FunctionSchedule`.

    What `as_function` has made of a schedule is that schedule again.
    """
    if isinstance(value, Schedule):
        shape = stack_shape(value)
        if shape:
            raise ValueError(
                f"`{name}` must be a single schedule, got a stack of shape {shape}. "
                "Put each together, then stack them."
            )
        return value
    if isinstance(value, AsFunction):
        return value.schedule
    if callable(value):
        return FunctionSchedule(function=value)
    if isinstance(value, (int, float, np.number)) or check.is_array(value):
        constant = check.number(name, value)
        if not check.is_traced(constant):
            way_out = "Subtract it: `schedule - 0.1`, for example." if constant < 0 else ""
            check.real(name, constant, 0, check.MAX_VALUE, way_out)
        return ConstantSchedule(value=constant)
    raise ValueError(
        f"`{name}` must be a schedule, a function of the step or a number, got {value!r}. "
        + (check.of_text(value) or "For a list of schedules, use `chain`.")
    )

"""Schedule: a record with a value at every step."""

from typing import Any, dataclass_transform, overload

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from log_anneal._core import check, fields, tree
from log_anneal._core.backend import MAX_STEP, Backend, Device, Host, Number
from log_anneal._core.operators import Operators
from log_anneal._core.record import Record, declare
from log_anneal._core.timeline import Timeline


@dataclass_transform(
    eq_default=False,
    frozen_default=True,
    kw_only_default=True,
    field_specifiers=(
        fields.count,
        fields.duration,
        fields.durations,
        fields.function,
        fields.number,
        fields.numbers,
        fields.option,
        fields.steps,
    ),
)
class Schedule(Record, Timeline, Operators):
    """A learning rate, or any hyperparameter, as a function of the step and of its fields.

    A subclass becomes a frozen, keyword-only dataclass. It declares its fields with their kinds:
    `number()`, `duration()`, `option()`, ... A default of None follows the other fields, or says
    that a part is not there.

    As a pytree, its leaves are the numbers as NumPy arrays, with every None resolved that follows
    other fields, and then what the host derived from them. All schedules of a class and form (its
    options, and which of its parts are there) have one structure. They share one trace if what is
    derived has one size. It has, except for multipliers so near 1 that a table of 512 cycles may
    not hold them.

    Change a field by `schedule.replace(...)`, which derives anew. A schedule that came out of a
    transformation or `jax.tree.map` holds the resolved numbers: its None defaults no longer follow
    the other fields, and have slopes of their own in a gradient.

    Durations are whole numbers, but you can differentiate with respect to them: the leaf of a
    duration is real, and has the slope of the continuous schedule. Where the steps of a schedule
    lie follows from the whole durations beside the leaves, which are exact in int32.
    """

    def __init_subclass__(cls) -> None:
        """Makes the subclass a dataclass and a pytree; refuses a name that another class has."""
        declare(cls)

    def _value(self, step: Number, xp: Backend) -> Number:
        """Returns the value at a step in [0, 2^31 - 1]. The leaves are resolved, and of xp's kind.

        A duration's field is real and has a gradient; `self._whole` has the whole number.
        """
        raise TypeError(f"{type(self).__name__} does not define `_value(step, xp)`.")

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        """Returns float32 for one step or an array of steps, on the device.

        Schedules of the same kind share one compiled function.

        Args:
          step: whole numbers of any integer dtype and any shape. Below 0 counts as 0, above
            2^31 - 1 as 2^31 - 1.

        Returns:
          float32, never weakly typed, of the step's shape.

        Raises:
          TypeError: the steps are not whole numbers.
          ValueError: it is a stack of schedules; `jax.vmap` calls each of them.
        """
        tree.refuse_stack(self)
        if isinstance(step, int) and not isinstance(step, bool):
            step = min(max(step, 0), MAX_STEP)
        steps = step if isinstance(step, jax.Array) else np.asarray(step)
        if not jnp.issubdtype(steps.dtype, jnp.integer):
            raise check.not_whole(step)
        if isinstance(steps, np.ndarray):  # JAX would wrap 64 bits to 32
            steps = np.clip(steps, 0, MAX_STEP).astype(np.int32)
        # Inside another traced function the fields may be constants of its program. Outside, the
        # compiled function is quicker.
        return (_values if check.is_traced(steps) else _values_jitted)(self, steps)

    @overload
    def at(self, step: int) -> float: ...
    @overload
    def at(self, step: npt.ArrayLike) -> float | npt.NDArray[np.float64]: ...
    def at(self, step: npt.ArrayLike) -> float | npt.NDArray[np.float64]:
        """Returns the value at each step in float64, on the host, without JAX.

        Args:
          step: a whole number, or an array of them of any shape.

        Returns:
          A Python float for one step, float64 of the steps' shape for an array.

        Raises:
          TypeError: the steps are not whole numbers.
          ValueError: it is a stack of schedules.
        """
        value: float
        if type(step) is int and 0 <= step <= MAX_STEP:
            value = self._on_host._value(step, Host)
            return value
        if isinstance(step, (int, np.integer)) and not isinstance(step, bool):
            value = self._on_host._value(min(max(int(step), 0), MAX_STEP), Host)
            return value
        steps = np.asarray(step)
        if not np.issubdtype(steps.dtype, np.integer):
            raise check.not_whole(step)
        values = np.array([self.at(each) for each in steps.ravel().tolist()], np.float64)
        return values.reshape(steps.shape) if steps.ndim else float(values[0])


def _values(schedule: Schedule, steps: jax.Array) -> jax.Array:
    steps = jnp.maximum(steps, 0)
    if steps.dtype.itemsize > 4 or steps.dtype == jnp.uint32:
        steps = jnp.minimum(steps, MAX_STEP)
    steps = steps.astype(jnp.int32)
    fields = jax.tree.map(_on_device, schedule)
    return jnp.broadcast_to(fields._value(steps, Device), steps.shape)


_values_jitted = jax.jit(_values)


def _on_device(leaf: Any) -> jax.Array:
    is_whole = jnp.issubdtype(jnp.result_type(leaf), jnp.integer)
    return jnp.asarray(leaf, jnp.int32 if is_whole else jnp.float32)

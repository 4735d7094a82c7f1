"""Schedule: a record with a value at every step."""

from typing import Any, dataclass_transform, overload

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from log_anneal._core import check, fields, tree
from log_anneal._core.backend import MAX_STEP, Backend, Device, Host, Number, Steps
from log_anneal._core.operators import Operators
from log_anneal._core.record import Record, declare
from log_anneal._core.timeline import Timeline

_OF_VALUES = {"value_at", "weight_at", "_weights"}
_OF_PHASES = {"_tracks", "_shape", "_shapes"}
"""The methods of a class that say its values, and those that say them as phases."""


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
class Schedule(Record, Timeline, Operators["Schedule"]):
    """A learning rate, or any hyperparameter, as a function of the step and of its fields.

    A subclass becomes a frozen, keyword-only dataclass. It declares its fields with their kinds:
    `number()`, `duration()`, `option()`, ... A default of None follows the other fields, or says
    that a part is not there. It defines `value_at`; `restarts_at` too if it has restarts, and
    `ends_at` if it has an end. docs/extending.md builds three, and
    `log_anneal.testing.check_schedule` tells whether they keep the laws of a schedule.

    As a pytree, its leaves are the numbers as NumPy arrays, with every None resolved that follows
    other fields, and then what the host derived from them. All schedules of a class and form (its
    options, and which of its parts are there) have one structure. They share one trace if what is
    derived has one size. It has, except for multipliers so near 1 that a table of 512 cycles may
    not hold them.

    Change a field by `schedule.replace(...)`, which derives anew. A schedule that came out of a
    transformation or `jax.tree.map` holds the resolved numbers: its None defaults no longer follow
    the other fields, and have slopes of their own in a gradient.

    A schedule says what it computes with: `repr`, `to_dict`, `replace`, `==` and `hash` take the
    same numbers as its values. For a duration that is the whole number beside its leaf, exact in
    int32. For a real duration and a multiplier of which the host made a table, it is what the
    table has. Their leaves are real, and have the slope of the continuous schedule and nothing
    else: what an optimizer or a cast makes of such a leaf changes no value. To take it over, write
    `schedule.replace(decay_steps=round(float(schedule.decay_steps)))`, for example. Every other
    number is its leaf.

    A copy and a pickle keep the fields alone, by their names, and derive the rest anew.
    """

    def __init_subclass__(cls) -> None:
        """Makes the subclass a dataclass and a pytree; refuses a name that another class has."""
        declare(cls)
        # Values of its own are not those of the phases that it inherits.
        has_values = not _OF_VALUES.isdisjoint(vars(cls))
        if has_values and _OF_PHASES.isdisjoint(vars(cls)):
            cls._tracks = Schedule._tracks  # type: ignore[method-assign]

    def __init__(self) -> None:
        """Refuses to make a schedule without a kind; each kind has a constructor of its own."""
        raise TypeError(
            "`Schedule` is what all kinds of schedules have in common, and has no value. Take a "
            "kind, `cyclical_log_schedule(...)` for example, or write your own: a subclass with "
            "fields and `value_at(step, xp)`, as in docs/extending.md."
        )

    def value_at(self, step: Number, xp: Backend) -> Number:
        """Returns the value at a step from 0 to 2^31 - 1. Every subclass defines it.

        The step, the durations and the counts among the fields are whole numbers: Python's ints on
        the host, and on the device `Steps`, which are exact and have the same operators.

        Args:
          step: a whole number, or on the device several of any shape.
          xp: the functions. On the host they compute with numbers in float64, on the device with
            arrays in float32.

        Returns:
          The value, a number or on the device several of the steps' shape.
        """
        raise TypeError(
            f"{type(self).__name__} must define `value_at(step, xp)`, which returns the value at a "
            "step. docs/extending.md has examples."
        )

    def _tracks(self) -> Any:
        """Returns the schedule as rows of phases; None if it cannot be written so.

        It is called on the host's copy, whose durations are ints and whose values may be traced.
        """
        return None

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        """Returns float32 for one step or an array of steps, on the device.

        Schedules of the same kind share one compiled function.

        Args:
          step: whole numbers of any integer dtype and any shape. Below 0 counts as 0, above
            2^31 - 1 as 2^31 - 1. Floats that are whole numbers are taken too, but not inside a
            traced function, where their values are not known.

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
            steps = check.whole_steps(step)
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
          step: a whole number, or an array of them of any shape. Floats that are whole are taken.

        Returns:
          A Python float for one step, float64 of the steps' shape for an array.

        Raises:
          TypeError: the steps are not whole numbers.
          ValueError: it is a stack of schedules.
        """
        if type(step) is int and 0 <= step <= MAX_STEP:
            value = self._on_host.value_at(step, Host)
            return value if type(value) is float else float(value)
        if isinstance(step, (int, np.integer)) and not isinstance(step, bool):
            return self.at(min(max(int(step), 0), MAX_STEP))
        steps = np.asarray(step)
        if not np.issubdtype(steps.dtype, np.integer):
            steps = check.whole_steps(step)
        values = np.array([self.at(each) for each in steps.ravel().tolist()], np.float64)
        return values.reshape(steps.shape) if steps.ndim else float(values[0])


def _values(schedule: Schedule, steps: jax.Array) -> jax.Array:
    steps = jnp.maximum(steps, 0)
    if steps.dtype.itemsize > 4 or steps.dtype == jnp.uint32:
        steps = jnp.minimum(steps, MAX_STEP)
    steps = steps.astype(jnp.int32)
    return values_on_device(jax.tree.map(_on_device, schedule), steps)


def values_on_device(schedule: Schedule, steps: jax.Array) -> jax.Array:
    """Returns float32 at int32 steps from 0 on, for a schedule whose leaves are on the device."""
    value = Device.real(tree.on_device(schedule).value_at(Steps(steps), Device))
    return jnp.broadcast_to(value, steps.shape)


_values_jitted = jax.jit(_values)


def _on_device(leaf: Any) -> jax.Array:
    is_whole = jnp.issubdtype(jnp.result_type(leaf), jnp.integer)
    return jnp.asarray(leaf, jnp.int32 if is_whole else jnp.float32)

"""A schedule as one leaf, where a tree of numbers is in the way."""

from collections.abc import Callable
from typing import Any, NoReturn

import jax
import numpy.typing as npt

from log_anneal._core.schedule import Schedule
from log_anneal._core.tree import refuse_stack


class AsFunction:
    """A schedule as a function of the step that is one leaf of any tree; see `as_function`."""

    __slots__ = ("__weakref__", "_schedule")

    _schedule: Schedule

    def __init__(self, schedule: Schedule) -> None:
        if not isinstance(schedule, Schedule):
            way_out = (
                "A function is one leaf already: take it as it is."
                if callable(schedule)
                else "Give `constant_schedule(0.1)`, for example."
            )
            raise TypeError(f"`schedule` must be a Schedule, got {schedule!r}. {way_out}")
        refuse_stack(schedule)
        object.__setattr__(self, "_schedule", schedule)

    @property
    def schedule(self) -> Schedule:
        """The schedule itself, which is data: to store, to change, to put into `live`."""
        return self._schedule

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array:
        """Returns float32 for one step or an array of steps, as the schedule does."""
        return self._schedule(step)

    def at(self, step: npt.ArrayLike) -> float | npt.NDArray[Any]:
        """Returns the value at each step in float64, on the host, as the schedule does."""
        return self._schedule.at(step)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuses to change what others may hold, and have hashed."""
        raise AttributeError(
            f"`{name}` must not be set: a schedule is never changed in its place. Make another, "
            "`as_function(f.schedule.replace(...))`."
        )

    def __eq__(self, other: object) -> bool:
        """Tells whether the other is this schedule as a function, too."""
        return isinstance(other, AsFunction) and self._schedule == other._schedule

    def __hash__(self) -> int:
        """Returns the same for equal ones."""
        return hash((AsFunction, self._schedule))

    def __repr__(self) -> str:
        """Returns the call that makes an equal one."""
        return f"as_function({self._schedule!r})"

    def __reduce__(self) -> tuple[Callable[..., "AsFunction"], tuple[Schedule]]:
        """Returns the call that `pickle` and `copy` make an equal one by."""
        return as_function, (self._schedule,)


def as_function(schedule: Schedule) -> AsFunction:
    """Hides the numbers of a schedule from JAX: a function of the step, and one leaf of a tree.

    A schedule is a pytree. So `jax.tree.map` reaches through it to its numbers, a `flax.nnx.Module`
    refuses it as a plain attribute, and a module of Equinox counts its numbers as parameters, which
    would be trained. Where one of these is in your way, hand on this function instead.

    It is a constant of each program that calls it: another schedule makes another trace. Do not
    give it to a jitted function as an argument that is traced. Where the numbers must be
    arguments, for `jax.vmap`, `jax.grad` or one trace for many schedules, take the schedule itself.

    Args:
      schedule: a schedule of this library, not a stack.

    Returns:
      A function that any optimizer of optax takes. It compares, hashes, prints, copies and
      pickles as the schedule does. `.at` is the value in float64 on the host, and `.schedule` the
      schedule.

    Raises:
      TypeError: it is no `Schedule`.
      ValueError: it is a stack of schedules.

    Example:
      >>> import jax
      >>> from log_anneal import as_function, constant_schedule
      >>> schedules = {"learning_rate": as_function(constant_schedule(0.5))}
      >>> jax.tree.map(lambda schedule: float(schedule(7)), schedules)
      {'learning_rate': 0.5}
      >>> schedules["learning_rate"]
      as_function(constant_schedule(value=0.5))
    """
    return AsFunction(schedule)

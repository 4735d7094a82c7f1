"""A schedule in the optimizer's state, and its place there."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax
from jax import export as jax_export
from jax.tree_util import DictKey, tree_leaves_with_path

from log_anneal._core import check
from log_anneal._core.as_function import AsFunction
from log_anneal._core.schedule import Schedule
from log_anneal._optim import words
from log_anneal._optim.arrays import known
from log_anneal._optim.layout import SIZES, DoesNotFitError, NoPhasesError
from log_anneal._optim.rate import rate
from log_anneal._schedules.tabulated import tabulated_schedule

LivePlace: TypeAlias = tuple[tuple[Hashable, ...], str, "LiveState"]
"""The labels around a live schedule, its hyperparameter, its state."""


class _Leaves(NamedTuple):
    step: jax.Array
    """int32 []: the step of the schedule that the next update is at."""
    table: jax.Array
    """int32 [words]: the schedule, as numbers alone. All kinds have one form, see `live`."""


class LiveState(_Leaves):
    """The state of a live schedule, part of the optimizer's: two arrays that any tool can store."""

    __slots__ = ()

    def __new__(cls, step: Any, table: Any) -> "LiveState":
        """Makes a state. In a pickle of before, the schedule itself stands where the table does."""
        if isinstance(table, Schedule):
            table = jnp.asarray(words.pack(table))
        return super().__new__(cls, step, table)

    @property
    def schedule(self) -> Schedule | None:
        """Returns the schedule in the state; None if the table has only its name and its numbers.

        Raises:
          ValueError: the states are stacked.
          TypeError: the state is traced.
        """
        return words.schedule_of(known("schedule", self).table)


jax_export.register_namedtuple_serialization(LiveState, serialized_name="log_anneal.LiveState")


class Live:
    """A stateful schedule of optax; see `live`."""

    def __init__(self, schedule: Schedule, num_steps: int | None, room_for: Any) -> None:
        self.schedule = schedule
        if num_steps is not None:
            num_steps = check.steps("num_steps", num_steps, 1)
        several = _several("room_for", room_for)
        tables = [_table("room_for", each, num_steps) for each in several]
        own = _table("schedule", schedule, num_steps)
        self._table = own
        size = max(table.shape[-1] for table in (own, *tables))
        if size != own.shape[-1]:
            self._table = _table("schedule", schedule, num_steps, size)

    def init(self) -> LiveState:
        """Returns the state at step 0. Its leaves are new buffers, so that it may be donated."""
        return LiveState(jnp.zeros((), jnp.int32), jnp.array(self._table))

    def update(self, state: LiveState, **extra_args: Any) -> LiveState:
        """Returns the state at the next step, with the same schedule."""
        step: jax.Array = optax.safe_increment(_checked(state).step)
        return state._replace(step=step)

    def __call__(self, state: LiveState, **extra_args: Any) -> jax.Array:
        """Returns the value of the schedule that the state holds."""
        return rate(_checked(state).table, state.step)


def live(
    schedule: Schedule,
    *,
    num_steps: int | None = None,
    room_for: Schedule | Sequence[Schedule] = (),
) -> Live:
    """Puts a schedule into the optimizer's state, where `swap` changes it in mid-run.

        optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=live(schedule))

    The state counts its own steps from 0. Each update takes the value of the schedule in the state;
    only `init` uses the argument. A checkpoint of the state restores the schedule that was in use,
    whatever the code says by then.

    In the state all kinds of schedules have one form, a table of 512 numbers: its phases, their
    curves, and how they are put together. So any kind is swapped for any other without another
    trace. A schedule with some hundred cycles or values needs a larger table, of 2048 numbers or
    more; to swap one in later, ask for `room_for` it. No gradient reaches the schedule in a table.

    If the parameters are bfloat16, give `inject_hyperparams` a `hyperparam_dtype` of float32. The
    live rate is always float32, but optax rounds the other hyperparameters to bfloat16. It rounds
    Adam's b2 of 0.999 to 1, which makes the updates NaN (optax#1414).

    Args:
      schedule: a schedule of this library, since a function cannot be stored. It may be traced
        under `jax.vmap`, for a population of optimizers.
      num_steps: how many steps to follow a schedule that is not made of phases: a function, a shape
        or a class of your own, or one of more than 16 parts at once. Its values are stored one by
        one; then the last is held. At least 1.
      room_for: schedules that will be swapped in later, so that the table has room for them.

    Returns:
      What `optax.inject_hyperparams` takes for any hyperparameter. It is not an `optax.Schedule`.

    Raises:
      TypeError: it is no `Schedule`, or is not made of phases and `num_steps` is left out.
      ValueError: it needs a larger table than there is.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> import log_anneal as la
      >>> schedule = la.cyclical_cosine_schedule(peak_value=0.4, end_value=0.0, decay_steps=2)
      >>> optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(schedule))
      >>> state = optimizer.init(jnp.ones(2))
      >>> updates, state = optimizer.update(jnp.ones(2), state)
      >>> (now,) = la.current(state)
      >>> now.step, round(now.rate, 6), now.kind
      (1, 0.2, 'cyclical_cosine')
      >>> (now,) = la.current(la.swap(state, learning_rate=la.constant_schedule(0.1)))
      >>> now.step, round(now.rate, 6), now.kind
      (1, 0.1, 'constant')

    References:
      `optax.inject_hyperparams`, which keeps the state of a stateful schedule.
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(
            f"`schedule` must be a Schedule, which is data, got {check.cut(schedule)}. "
            + (no_schedule(schedule) or "Build one, `constant_schedule(0.1)` for example.")
        )
    return Live(schedule, num_steps, room_for)


def no_schedule(value: Any) -> str:
    """Returns the way from a number or a function to a schedule; nothing for anything else."""
    if isinstance(value, AsFunction | Live):
        return "Give its `schedule`."
    if hasattr(value, "live"):
        return "Give the schedule that it is made of."
    if check.is_number(value) and not check.is_traced(value) and 0 <= value <= check.MAX_VALUE:
        return f"Make data of a number by `constant_schedule({check.plain(value)})`."
    if callable(value) and not isinstance(value, type):
        return "Make data of a function by `tabulated_schedule(function, num_steps=...)`."
    return ""


def _several(name: str, schedules: Any) -> list[Schedule]:
    """Returns one schedule, or several, as a list."""
    has_several = isinstance(schedules, Iterable) and not isinstance(schedules, Schedule)
    several = list(schedules) if has_several and not check.is_array(schedules) else [schedules]
    for each in several:
        if not isinstance(each, Schedule):
            raise TypeError(
                f"`{name}` must be a Schedule, or several of them, got {each!r}. Give what will be "
                "swapped in later, or leave it out."
            )
    return several


def table_of(name: str, schedule: Schedule, size: int | None, way_out: str) -> Any:
    """Returns the words of a schedule; refuses one that has none with the way out."""
    try:
        return words.pack(schedule, size)
    except NoPhasesError as error:
        raise TypeError(
            f"`{name}` must be made of phases, got {check.cut(schedule)}. {error} {way_out}"
        ) from None
    except DoesNotFitError as error:
        room = (
            "No table is larger: take lengths of whole steps, or fewer cycles or values."
            if size in (None, SIZES[-1])
            else "Build the optimizer with room for it: `live(schedule, room_for=...)`."
        )
        raise ValueError(
            f"`{name}` must fit into the table of the state, got {check.cut(schedule)}. {error} "
            + room
        ) from None


def _refuse_untabulated(name: str, schedule: Schedule, num_steps: int) -> None:
    """Refuses what cannot be stored value by value."""
    if any(map(check.is_traced, jax.tree.leaves(schedule))):
        raise TypeError(
            f"`{name}` must be known where it is followed for `num_steps`, got traced numbers. "
            "Build it outside."
        )
    most = SIZES[-1] - 1000
    if num_steps > most:
        raise ValueError(
            f"`num_steps` must be at most {most:,}, got {num_steps:,}. Take fewer, or let each "
            "value last for several steps: `tabulated_schedule(values, interval_steps=...)`."
        )


def _table(name: str, schedule: Schedule, num_steps: int | None, size: int | None = None) -> Any:
    way_out = "Give `num_steps`, and its values are stored one by one."
    if num_steps is not None:
        try:
            return words.pack(schedule, size)
        except NoPhasesError:
            _refuse_untabulated(name, schedule, num_steps)
            schedule = tabulated_schedule(schedule, num_steps=num_steps)
        except DoesNotFitError:  # it is not cut to so many steps
            pass
    return table_of(name, schedule, size, way_out)


def _checked(state: Any) -> LiveState:
    """Refuses what is not the state of a live schedule."""
    if isinstance(state, LiveState):
        return state
    raise TypeError(
        f"A live schedule must be called with its state, got {state!r}. Give it to an optimizer by "
        "`optax.inject_hyperparams(optimizer)(learning_rate=live(schedule))`, and change it by "
        "`swap`; `optax.tree.set` would put a number in place of its state."
    )


def places_of(opt_state: Any) -> Iterator[LivePlace]:
    """Yields every live schedule of a state."""
    for path, node in tree_leaves_with_path(opt_state, is_leaf=is_live):
        if isinstance(node, LiveState):
            yield *labels(path), node


def labels(path: Any) -> tuple[tuple[Hashable, ...], str]:
    """Returns the keys of the dicts on the way, and the last, which is the hyperparameter's."""
    keys = [key.key for key in path if isinstance(key, DictKey)]
    return tuple(keys[:-1]), "".join(map(str, keys[-1:]))


def is_live(node: object) -> bool:
    """Tells whether a node is the state of a live schedule."""
    return isinstance(node, LiveState)

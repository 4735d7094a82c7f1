"""A schedule in the optimizer's state, and its place there."""

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.tree_util import DictKey, tree_leaves_with_path

from log_anneal._core.schedule import Schedule
from log_anneal._core.where import where_in
from log_anneal._optim import flax_variables

LivePlace: TypeAlias = tuple[tuple[Hashable, ...], str, "LiveState"]
"""The labels around a live schedule, its hyperparameter, its state."""


class LiveState(NamedTuple):
    """The state of a live schedule, in the optimizer's state."""

    step: jax.Array
    """int32 []: the step of the schedule that the next update is at."""
    schedule: Schedule
    """The schedule. Its leaves are arrays on the device, of 32 bits."""


class Live:
    """A stateful schedule of optax; see `live`."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def init(self) -> LiveState:
        """Returns the state at step 0. Its leaves are new buffers, so that it may be donated."""
        return LiveState(jnp.zeros((), jnp.int32), jax.tree.map(_on_device, self.schedule))

    def update(self, state: LiveState, **extra_args: Any) -> LiveState:
        """Returns the state at the next step, with the same schedule."""
        step: jax.Array = optax.safe_increment(state.step)
        return state._replace(step=step)

    def __call__(self, state: LiveState, **extra_args: Any) -> jax.Array:
        """Returns the value of the schedule that the state holds."""
        return state.schedule(state.step)


def live(schedule: Schedule) -> Live:
    """Puts a schedule into the optimizer's state, where `swap` changes it in mid-run.

        optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=live(schedule))

    The state counts its own steps from 0. Each update takes the value of the schedule in the state;
    only `init` uses the argument. So a jitted update is traced once for all schedules of a class
    and form, and a checkpoint of the state restores the schedule that was in use. The step stops at
    the last int32.

    If the parameters are bfloat16, give `inject_hyperparams` a `hyperparam_dtype` of float32. The
    live rate is always float32, but optax rounds the other hyperparameters to bfloat16. It rounds
    Adam's b2 of 0.999 to 1, which makes the updates NaN (optax#1414).

    Args:
      schedule: a schedule of this library, since a function cannot be stored. It may be traced
        under `jax.vmap`, for a population of optimizers.

    Returns:
      What `optax.inject_hyperparams` takes for any hyperparameter. It is not an `optax.Schedule`.

    Raises:
      TypeError: it is no `Schedule`.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> import log_anneal as la
      >>> schedule = la.cyclical_cosine_schedule(peak_value=0.4, end_value=0.0, decay_steps=2)
      >>> optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(schedule))
      >>> state = optimizer.init(jnp.ones(2))
      >>> updates, state = optimizer.update(jnp.ones(2), state)
      >>> (now,) = la.current(state)
      >>> now.step, round(now.rate, 6)
      (1, 0.2)
      >>> lower = la.cyclical_cosine_schedule(peak_value=0.2, end_value=0.0, decay_steps=2)
      >>> (now,) = la.current(la.swap(state, learning_rate=lower))
      >>> now.step, round(now.rate, 6)
      (1, 0.1)

    References:
      `optax.inject_hyperparams`, which keeps the state of a stateful schedule.
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(
            f"`schedule` must be a Schedule, which is data, got {schedule!r}. Make data of a "
            "function by `tabulated_schedule(function, num_steps=...)`."
        )
    return Live(schedule)


class Current(NamedTuple):
    """A live schedule's next step, for a log line."""

    name: str
    """The name of the hyperparameter."""
    groups: tuple[Hashable, ...]
    """The labels around it, the outermost first. They come from `groups`, `optax.partition`,
    `optax.named_chain`, or a dict that holds the state."""
    step: int
    """The step of the schedule that the next update is at."""
    rate: float
    """The value at that step, in float64."""
    cycle: int
    """The cycle of that step, as `where_in` counts it."""
    progress: float | None
    """The part of the cycle that has passed, 0 to 1; 1 after the last, None if it has no length."""


def current(opt_state: Any) -> list[Current]:
    """Returns where each live schedule is, for a log line. It is computed on the host.

    This is the place of the next update, so that a swap shows at once. What the last update used
    is in `hyperparams` of optax's state.

    Args:
      opt_state: any pytree that holds live schedules; not inside a traced function.

    Returns:
      One record for each place, in the order of the tree; none if no schedule is live.

    Raises:
      ValueError: the states are stacked.
    """
    places = list(places_of(opt_state))
    states = jax.device_get([bare(state) for _, _, state in places])
    records = []
    for (groups, name, _), (count, schedule) in zip(places, states, strict=True):
        if np.ndim(count):
            raise ValueError(
                f"`opt_state` must be a single one, got a stack of shape {np.shape(count)}. "
                "Take one of it: `jax.tree.map(lambda leaf: leaf[0], opt_state)`."
            )
        step = int(count)
        place = where_in(schedule, step)
        progress = min(place.elapsed / place.length, 1.0) if place.length else None
        rate = float(schedule.at(step))
        records.append(Current(name, groups, step, rate, place.cycle, progress))
    return records


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


def bare(tree: Any) -> Any:
    """Takes the arrays out of the variables of NNX, whose optimizer wraps every array in one."""
    return jax.tree.map(flax_variables.bare, tree, is_leaf=flax_variables.is_variable)


def _on_device(leaf: Any) -> jax.Array:
    narrow = {"float64": jnp.float32, "int64": jnp.int32}
    return jnp.array(leaf, narrow.get(jnp.result_type(leaf).name))

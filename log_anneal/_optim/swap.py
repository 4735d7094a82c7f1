"""Puts another schedule into the optimizer's state, in mid-run."""

import difflib
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import tree_map_with_path

from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._optim.arrays import bare, refuse_abstract
from log_anneal._optim.live import (
    LivePlace,
    LiveState,
    is_live,
    labels,
    no_schedule,
    places_of,
    table_of,
)

_State = TypeVar("_State")

_MEANT = {"lr": "learning_rate", "rate": "learning_rate"}
_WAY_OUT = "Make data of it by `tabulated_schedule(schedule, num_steps=...)`."


def swap(
    opt_state: _State,
    /,
    *,
    from_step: int | None = None,
    **schedules: Schedule | Mapping[Hashable, Schedule],
) -> _State:
    """Changes live schedules, by the names of their hyperparameters; the rest is untouched.

        opt_state = swap(opt_state, learning_rate=schedule)
        opt_state = swap(opt_state, learning_rate={"*/bias": schedule})  # in one group alone

    The new schedule goes on at the step where the old one was. `from_step=0` starts it at its
    beginning. It may be of any kind. The new arrays have the sharding of the old ones, and nothing
    is traced or compiled anew.

    Args:
      opt_state: any pytree that holds live schedules: the state of a chain, of MultiSteps, of a
        partition, or a training state around it. It is not changed. The new state shares its other
        leaves, so that donating one of the two states gives them away for both.
      from_step: the step at which each new schedule goes on, at least 0. None means the step of the
        old one.
      **schedules: by the name of a hyperparameter, a schedule for every place that has it; or
        schedules by the label of a group, which is a pattern of `groups`, a label of
        `optax.partition` or a name of `optax.named_chain`.

    Returns:
      A new state of the same structure, shapes and dtypes.

    Raises:
      ValueError: the state holds no such live hyperparameter or group, or a schedule needs a larger
        table than the state has, see `live`.
      TypeError: a value is no schedule, or is not made of phases.
    """
    if not schedules:
        raise TypeError(
            "`swap` must be given a schedule by the name of its hyperparameter, got none. "
            "For example: `swap(opt_state, learning_rate=schedule)`."
        )
    places = list(places_of(opt_state))
    for name, schedule in schedules.items():
        if difflib.get_close_matches(name, ["from_step"], cutoff=0.8):
            raise TypeError(
                f"`{name}` must be `from_step`, or a hyperparameter. Write `from_step`."
            )
        _refuse_unknown(name, schedule, places)
    start = None if from_step is None else check.steps("from_step", from_step, 0)

    def changed(path: Any, node: Any) -> Any:
        if not isinstance(node, LiveState):
            return node
        groups, name = labels(path)
        schedule = schedules.get(name)
        if isinstance(schedule, Mapping):
            schedule = next((schedule[group] for group in groups if group in schedule), None)
        if schedule is None:
            return node
        old = bare(node)
        refuse_abstract("opt_state", old.table)
        table = table_of(name, schedule, old.table.shape[-1], _WAY_OUT)
        _refuse_other_stack(name, np.shape(table)[:-1], old.table.shape[:-1])
        step = old.step if start is None else jnp.full_like(old.step, start)
        new = LiveState(step, jnp.broadcast_to(table, old.table.shape))
        leaves = map(_as, jax.tree.leaves(node), jax.tree.leaves(new))
        return jax.tree.unflatten(jax.tree.structure(node), leaves)

    state: _State = tree_map_with_path(changed, opt_state, is_leaf=is_live)
    return state


def _refuse_other_stack(name: str, new: tuple[int, ...], old: tuple[int, ...]) -> None:
    """Refuses a stack of schedules that does not fit the stack of states."""
    if new and new != old[len(old) - len(new) :]:
        states = f"a stack of states of shape {old}" if old else "a state that is not stacked"
        raise ValueError(
            f"`{name}` must be one schedule or a stack of the states' shape, got a stack of shape "
            f"{new} for {states}. Stack as many schedules as there are states."
        )


def _as(old: Any, new: Any) -> jax.Array:
    """Copies the new leaf, with the dtype and the sharding of the old."""
    leaf = jnp.array(new, old.dtype)
    is_committed = isinstance(old, jax.Array) and not check.is_traced(old) and old.committed
    return jax.device_put(leaf, old.sharding) if is_committed else leaf


def _refuse_unknown(name: str, chosen: object, places: list[LivePlace]) -> None:
    several = list(chosen.values()) if isinstance(chosen, Mapping) else [chosen]
    for each in several or [chosen]:
        if not isinstance(each, Schedule):
            raise TypeError(
                f"`{name}` must be a Schedule, or Schedules by group, got {each!r}. "
                + (no_schedule(each) or "Which groups are frozen is decided with the optimizer.")
            )
    names = sorted({found for _, found, _ in places})
    if name not in names:
        meant = _MEANT.get(name.lower(), name.lower())
        near = difflib.get_close_matches(meant, names, n=1, cutoff=0.7)
        way_out = (
            f"Did you mean `{near[0]}`?"
            if near
            else "Build the optimizer with "
            f"`optax.inject_hyperparams(...)({meant}=live(schedule))`."
        )
        raise ValueError(
            f"`{name}` must be a live hyperparameter of the state, got one whose live ones are: "
            f"{', '.join(names) or 'none'}. {way_out}"
        )
    if isinstance(chosen, Mapping):
        there = {label for groups, found, _ in places if found == name for label in groups}
        for label in chosen:
            if label not in there:
                known = ", ".join(sorted(map(repr, there))) or "none"
                raise ValueError(
                    f"`{name}` must name a group that has it, got {label!r} where the groups are: "
                    f"{known}. Give a schedule alone for every place that has it."
                )

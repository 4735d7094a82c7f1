"""Where each live schedule of a state is."""

from collections.abc import Hashable
from typing import Any, NamedTuple

import jax
from jax.tree_util import tree_leaves_with_path

from log_anneal._core.schedule import Schedule
from log_anneal._core.where import where_in
from log_anneal._optim import words
from log_anneal._optim.arrays import bare, known
from log_anneal._optim.live import LiveState, labels
from log_anneal._optim.plateau import PlateauState
from log_anneal._optim.rate import rate


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
    """The rate at that step: the value of the schedule, in float64, times the scale."""
    cycle: int
    """The cycle of that step, as `where_in` counts it."""
    progress: float | None
    """The part of the cycle that has passed, 0 to 1; 1 after the last, None if it has no length."""
    kind: str
    """The kind of schedule, by its name in JSON: "cyclical_log", for example."""
    schedule: Schedule | None
    """The schedule; None where the table has no room for its text, or it was built while traced."""
    scale: float = 1.0
    """What a `plateau` has lowered the rate to, as a part of the schedule's value."""


def current(opt_state: Any) -> list[Current]:
    """Returns where each live schedule is, for a log line. It is computed on the host.

    This is the place of the next update, so that a swap shows at once. What the last update used
    is in `hyperparams` of optax's state.

    Args:
      opt_state: any pytree that holds live schedules; not inside a traced function.

    Returns:
      One record for each place, in the order of the tree.

    Raises:
      ValueError: no schedule in it is live, or the states are stacked.
      TypeError: it is traced.
    """
    nodes = tree_leaves_with_path(opt_state, is_leaf=_has_a_place)
    places = [(*labels(path), node) for path, node in nodes if _has_a_place(node)]
    if not places:
        raise ValueError(
            "`opt_state` must hold a live schedule, and holds none. Build the optimizer with "
            "`optax.inject_hyperparams(...)(learning_rate=live(schedule))`."
        )
    return [_current(groups, name, node) for groups, name, node in places]


def _has_a_place(node: object) -> bool:
    return isinstance(node, (LiveState, PlateauState))


def _current(groups: tuple[Hashable, ...], name: str, node: LiveState | PlateauState) -> Current:
    state, reduced = (node.live, node.scale) if isinstance(node, PlateauState) else (node, 1.0)
    count, table = known("opt_state", state)
    step, scale = int(count), float(jax.device_get(bare(reduced)))
    kind, schedule = words.text_of(table)["schedule"], words.schedule_of(table)
    if schedule is None:
        value = float(rate(table, count)) * scale
        return Current(name, groups, step, value, 0, None, kind, None, scale)
    place = where_in(schedule, step)
    progress = min(place.elapsed / place.length, 1.0) if place.length else None
    value = float(schedule.at(step)) * scale
    return Current(name, groups, step, value, place.cycle, progress, kind, schedule, scale)

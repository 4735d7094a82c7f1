"""Pictures of schedules. Needs matplotlib, which is imported where it is used."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._schedule import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_POINTS = 4000
"""More than a picture has pixels across."""


def plot(
    schedules: Schedule | Callable[[Any], Any] | Sequence[Schedule | Callable[[Any], Any]],
    num_steps: int,
    *,
    labels: Sequence[str] | None = None,
    ax: "Axes | None" = None,
    log_scale: bool = False,
) -> "Figure":
    """Draws schedules over the steps 0 to `num_steps - 1`, their restarts marked.

    A restart is drawn as the jump that it is, with a dotted line under it; above 100 restarts the
    lines are left out. Nothing touches matplotlib's global state: no window opens, no figure is
    left behind.

    Args:
      schedules: one or many; ours, or any `optax.Schedule`.
      num_steps: at least 1.
      labels: one a schedule; with None only several schedules get a legend, of their names.
      ax: axes to draw into; None makes a figure of 8 by 4.5 inches.
      log_scale: whether the values are on a logarithmic axis.

    Returns:
      The figure: `figure.savefig("schedule.png")`.

    Raises:
      ValueError: `num_steps` is below 1, there is no schedule, or there are more or fewer labels
        than schedules.

    Example:
      >>> from log_anneal import cyclical_cosine_schedule
      >>> schedule = cyclical_cosine_schedule(
      ...     peak_value=0.1, end_value=0.0, decay_steps=10, restart_steps=10)
      >>> plot(schedule, 30).axes[0].get_xlabel()
      'step'
    """
    from matplotlib.figure import Figure

    several = list(schedules) if isinstance(schedules, Sequence) else [schedules]
    if not several:
        raise ValueError("`schedules` must hold at least one, got none. Give a schedule or a list.")
    if num_steps < 1:
        raise ValueError(
            f"`num_steps` must be at least 1, got {num_steps}. Take the length of the run."
        )
    if labels is not None and len(labels) != len(several):
        raise ValueError(
            f"`labels` must be one for each of {len(several)}, got {len(labels)}. "
            "Leave it out for the schedules' own names."
        )
    names = labels or [getattr(schedule, "name", "schedule") for schedule in several]
    if ax is None:
        ax = Figure(figsize=(8, 4.5), layout="constrained").add_subplot()

    marks: set[int] = set()
    for schedule, name in zip(several, names, strict=True):
        steps, values = _curve(schedule, num_steps)
        marks.update(_restarts(schedule, num_steps))
        ax.plot(steps, values, label=name, linewidth=1.5)
    if len(marks) <= 100:
        for mark in sorted(marks):
            ax.axvline(mark, color="0.6", linewidth=0.8, linestyle=":", zorder=0)

    ax.set_xlabel("step")
    ax.set_ylabel("value")
    ax.margins(x=0.01)
    ax.spines[["top", "right"]].set_visible(False)
    if log_scale:
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=0)
    if labels is not None or len(several) > 1:
        ax.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def _restarts(schedule: object, num_steps: int) -> list[int]:
    return schedule.restarts(num_steps) if isinstance(schedule, Schedule) else []


def _curve(schedule: Any, num_steps: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Points at about 4000 steps, and at both sides of every restart."""
    steps = np.unique(np.linspace(0, num_steps - 1, min(num_steps, _MAX_POINTS)).astype(np.int64))
    restarts = np.array(_restarts(schedule, num_steps), np.int64)
    steps = np.union1d(steps, np.concatenate([restarts, restarts - 1]))
    if isinstance(schedule, Schedule):
        return steps, np.asarray(schedule.at(steps))
    return steps, np.asarray(jax.vmap(schedule)(jnp.asarray(steps, jnp.int32)))

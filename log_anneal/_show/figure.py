"""Schedules drawn by matplotlib, which is imported where it is used."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from log_anneal._core.schedule import Schedule
from log_anneal._show import contents

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot(
    schedules: Schedule | Callable[[Any], Any] | Sequence[Schedule | Callable[[Any], Any]],
    num_steps: int | None = None,
    *,
    labels: Sequence[str] | None = None,
    ax: "Axes | None" = None,
    log_scale: bool = False,
) -> "Figure":
    """Draws schedules over the steps 0 to `num_steps - 1`, their restarts marked.

    A restart is drawn as a jump, with a dotted line at its step. The line has the colour of its
    schedule; it is grey if only one schedule is drawn, or if several restart at the step. With more
    than 100 restarts there are no lines. The axis of values starts at 0, unless the values would
    lie flat in its upper half. Matplotlib's global state stays as it is: no window opens, and no
    figure is left in memory.

    Args:
      schedules: one or many; ours, or any `optax.Schedule`.
      num_steps: from 1 to 2^31 - 1; None for a schedule's duration, or its first cycles if it has
        no end. A plain function has no length of its own.
      labels: one a schedule; with None only several schedules get a legend, of their names and of
        the fields in which those of one kind differ.
      ax: axes to draw into; None makes a figure of 8 by 4.5 inches.
      log_scale: whether the values are on a logarithmic axis, from the lowest above 0.

    Returns:
      The figure: `figure.savefig("schedule.png")`.

    Raises:
      ValueError: `num_steps` is out of its range, or None with a plain function; there is no
        schedule, or there are more or fewer labels than schedules.

    Example:
      >>> from log_anneal import cyclical_cosine_schedule
      >>> schedule = cyclical_cosine_schedule(
      ...     peak_value=0.1, end_value=0.0, decay_steps=10, restart_steps=10)
      >>> plot(schedule, 30).axes[0].get_xlabel()
      'step'
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    several = list(schedules) if isinstance(schedules, Sequence) else [schedules]
    if not several:
        raise ValueError("`schedules` must hold at least one, got none. Give a schedule or a list.")
    if labels is not None and len(labels) != len(several):
        raise ValueError(
            f"`labels` must be one for each of {len(several)}, got {len(labels)}. "
            "Leave it out for the schedules' own names."
        )
    num_steps = contents.length(several, num_steps)
    if ax is None:
        ax = Figure(figsize=(8, 4.5), layout="constrained").add_subplot()

    curves = [contents.curve(schedule, num_steps) for schedule in several]
    names = contents.names(several) if labels is None else labels
    lines = [
        ax.plot(curve.steps, curve.values, label=name, linewidth=1.5)[0]
        for curve, name in zip(curves, names, strict=True)
    ]
    for step, owners in contents.restarts(several, num_steps).items():
        is_its_own = len(several) > 1 and len(owners) == 1
        colour = lines[owners[0]].get_color() if is_its_own else "0.5"
        ax.axvline(step, color=colour, linewidth=1, linestyle=":", zorder=0)

    ax.set(xlabel="step", ylabel="value", yscale="log" if log_scale else "linear")
    if not log_scale and contents.lowest(curves, log_scale=False) == 0:
        ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 5, 10], integer=True))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.margins(x=0.01)
    ax.spines[["top", "right"]].set_visible(False)
    if labels is not None or len(several) > 1:
        longest = max(map(len, names))
        ncols = 3 if longest < 24 else 2 if longest < 42 else 1
        ax.legend(frameon=False, ncols=ncols, loc="lower center", bbox_to_anchor=(0.5, 1))
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure

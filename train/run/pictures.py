"""Pictures of a run: its schedule, its curves, and the schedule in characters."""

import functools
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from log_anneal.plot import draw, plot
from train.folder.files import write_atomically
from train.folder.log import column
from train.folder.terminal import MEASURES

Schedule = Callable[[Any], Any]
Records = Sequence[Mapping[str, Any]]

_TRAIN, _RATE, _RESTART = "tab:blue", "tab:green", "0.6"
_SPLITS = {"validation": "tab:orange", "test": "tab:red"}


def schedule_picture(
    path: Path, schedule: Schedule, total_steps: int, steps_per_epoch: int
) -> None:
    """Draws the learning rate over a run, in steps and in epochs, and marks the restarts.

    The axis is logarithmic if for a tenth of the run the rate is below a hundredth of the highest.

    Args:
        path: the PNG file. It is written whole or not at all.
        schedule: any `optax.Schedule`, in steps.
        total_steps: the number of updates of the run.
        steps_per_epoch: the number of updates in an epoch.
    """
    figure = Figure(figsize=(8, 4), layout="constrained")
    figure.suptitle("Learning rate over the run")
    axes = figure.add_subplot()
    steps = np.unique(np.linspace(0, total_steps - 1, 1000).astype(np.int32))
    plot(schedule, total_steps, ax=axes, log_scale=_is_wide(_rates(schedule, steps)))
    axes.lines[0].set_color(_RATE)
    axes.set(xlabel="step", ylabel="learning rate")
    to_epochs = functools.partial(np.multiply, 1 / steps_per_epoch)
    to_steps = functools.partial(np.multiply, steps_per_epoch)
    epochs = axes.secondary_xaxis("top", functions=(to_epochs, to_steps))
    epochs.set_xlabel("epoch")
    write_atomically(path, _png(figure))


def curves_picture(path: Path, records: Records, **how: Any) -> None:
    """Writes the picture of `curves_png` into a file, whole or not at all.

    Args:
        path: the PNG file.
        records: as for `curves_png`.
        **how: the other arguments of `curves_png`.
    """
    write_atomically(path, curves_png(records, **how))


def curves_png(
    records: Records,
    *,
    steps_per_epoch: int,
    measures: Mapping[str, str] = MEASURES,
    restarts: Sequence[int] = (),
) -> bytes:
    """Draws the loss and the measures, in training and in evaluation, and the learning rate.

    Training has a pale line through each record, and a strong line through the mean of each epoch.
    A mean stands in the middle of its epoch.

    Args:
        records: the lines of `metrics.jsonl`, as `train.folder.log.read_metrics` gives them.
        steps_per_epoch: the number of updates in an epoch.
        measures: the units of the measures of an evaluation, by their names; a share has "%".
        restarts: the steps at which the schedule restarts.
    """
    train = [record for record in records if record["kind"] == "train"]
    epochs = np.array([record["step"] for record in train]) / steps_per_epoch
    figure = Figure(figsize=(8, 2 + 3 * (1 + len(measures))), layout="constrained")
    figure.suptitle(f"{', '.join(['Loss', *measures])} and learning rate over the run")
    ratios = [3] * (1 + len(measures)) + [1]
    loss, *others, rate = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)

    for axes, name in zip((loss, *others), ("loss", *measures), strict=True):
        unit = 100 if measures.get(name) == "%" else 1
        values = unit * column(train, name)
        if not len(train) or any(name in line for line in train):
            axes.plot(epochs, values, color=_TRAIN, alpha=0.2, linewidth=0.8)
            axes.plot(*_epoch_means(epochs, values), color=_TRAIN, label="training")
        for split, color in _SPLITS.items():
            lines = [r for r in records if r["kind"] == "eval" and r["split"] == split]
            if lines:
                at = np.array([line["step"] for line in lines]) / steps_per_epoch
                axes.plot(at, unit * column(lines, name), ".-", color=color, label=split)

    rates = column(train, "learning_rate")
    rate.plot(epochs, rates, color=_RATE, linewidth=1)
    rate.set_yscale("log" if _is_wide(rates) else "linear")
    if rate.get_yscale() == "linear":
        rate.set_ylim(bottom=0)
    for axes in (loss, *others, rate):
        _mark(axes, np.array(restarts) / steps_per_epoch)
    for axes in (loss, *others):
        axes.legend(frameon=False)

    # A few spikes, for example after a restart, must not flatten the rest.
    losses = column(records, "loss")
    if np.isfinite(losses).any():
        # Of one class alone, every loss is 0.
        loss.set_ylim(0, max(1.1 * np.percentile(losses[np.isfinite(losses)], 99.5), 1e-3))
    loss.set_ylabel("loss")
    for axes, (name, of) in zip(others, measures.items(), strict=True):
        if of == "%":
            axes.set_ylim(0, 100)
        axes.set_ylabel(f"{name}, {of}" if of else name)
    rate.set(ylabel="learning rate", xlabel="epoch")
    return _png(figure)


def terminal_picture(
    schedule: Schedule, total_steps: int, width: int, height: int, *, is_ascii: bool = False
) -> str:
    """Draws the learning rate over a run in characters, as `log_anneal.plot.draw` does.

    The axis is logarithmic where that of `schedule_picture` is.

    Args:
        schedule: any `optax.Schedule`, in steps.
        total_steps: the number of updates of the run.
        width: the most characters in a line, at least 30.
        height: the lines of the picture with its axis, at least 6.
        is_ascii: plain characters, where the terminal has no others.
    """
    steps = np.unique(np.linspace(0, total_steps - 1, 1000).astype(np.int32))
    is_wide = _is_wide(_rates(schedule, steps))
    return draw(
        schedule, total_steps, width=width, height=height, log_scale=is_wide, is_ascii=is_ascii
    )


def _rates(schedule: Schedule, steps: np.ndarray) -> np.ndarray:
    values = schedule.at(steps) if hasattr(schedule, "at") else schedule(jnp.asarray(steps))
    return np.broadcast_to(np.asarray(values, np.float64), steps.shape)


def _is_wide(rates: np.ndarray) -> bool:
    # A warm-up from almost 0 alone is no reason for a logarithmic axis, so that the lowest tenth of
    # the rates does not count.
    return bool(rates.size and rates.min() > 0 and rates.max() > 100 * np.percentile(rates, 10))


def _epoch_means(epochs: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    is_made = np.isfinite(values)
    epochs, values = epochs[is_made], values[is_made]
    _, index, counts = np.unique(np.ceil(epochs.round(6)), return_inverse=True, return_counts=True)
    return np.bincount(index, epochs) / counts, np.bincount(index, values) / counts


def _mark(axes: Axes, restarts: np.ndarray) -> None:
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    if len(restarts) <= 100:  # more would hide the curves
        for label, restart in zip(["restart", *[None] * 99], restarts, strict=False):
            axes.axvline(
                restart, color=_RESTART, linewidth=0.8, linestyle=":", zorder=0, label=label
            )


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()

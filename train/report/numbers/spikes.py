"""The effect of restarts on the training loss of a run."""

import dataclasses
import itertools
import math
from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from train.report.numbers.records import Outcome


@dataclasses.dataclass(frozen=True)
class Restart:
    """The effect of a restart on the training loss, as means over windows of a tenth of an epoch.

    A window has at least five steps, since the loss of a single batch is mostly noise.
    """

    before: float
    """The mean over the last window before the restart, in nats."""
    height: float
    """The highest mean over a window from the restart to the next one, less `before`, in nats."""
    recovery: float | None
    """Epochs from the restart until a window after the highest one has a mean of `before` or less.
    None: not before the next restart."""
    after: float
    """The mean over the epoch that follows the restart, in nats."""


def restarts(run: Outcome) -> Mapping[int, Restart | None]:
    """Returns the restarts by their steps, if a whole window of steps lies on both sides.

    A restart is None where a loss beside it is not finite, or its step was skipped. A run may have
    halted and gone on with another schedule: the steps after that belong to the restart before.
    """
    loss = run.train["loss"]
    window = max(5, run.steps_per_epoch // 10)
    found: dict[int, Restart | None] = {}
    for step, end in itertools.pairwise([*run.restarts, len(loss)]):
        if step < window or min(end, len(loss)) - step < window:
            continue
        before = float(np.mean(loss[step - window : step]))
        means = sliding_window_view(loss[step:end], window).mean(-1)
        if not (math.isfinite(before) and np.isfinite(means).all()):
            found[step] = None
            continue

        height = float(means.max()) - before
        top = int(means.argmax())
        back = np.flatnonzero(means[top:] <= before)
        steps = 0 if height <= 0 else top + int(back[0]) + window if back.size else None

        found[step] = Restart(
            before=before,
            height=height,
            recovery=None if steps is None else steps / run.steps_per_epoch,
            after=float(np.mean(loss[step : min(step + run.steps_per_epoch, end)])),
        )
    return found

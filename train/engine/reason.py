"""Says why a step was not made, from the metrics of the guard."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from train.errors import Reason
from train.tasks.task import Guess

_NEAR = 1.5  # times the loss of a guess
_NUMBERS = ("loss", "grad_norm", "update_norm", "learning_rate")


def why(
    metrics: Mapping[str, np.ndarray],
    place: int,
    *,
    threshold: float | None,
    guess: Guess,
    leaf_names: Sequence[str],
) -> Reason:
    """Says what was wrong with a step.

    Args:
      metrics: the metrics of a chunk's steps, [steps] each, as `train.engine.step` gives them.
      place: of the step among them.
      threshold: as `train.engine.guard.threshold` gives it.
      guess: what a network does that has learnt nothing.
      leaf_names: as `train.engine.guard.leaf_names` gives them.
    """
    if metrics["not_finite"][place]:
        return Reason(_not_finite(metrics, place, leaf_names), is_threshold=False)
    loss = metrics["loss"][place]
    if not metrics["above_threshold"][place]:
        words = f"its loss was {loss:.4g}, a spike above the losses of the steps before, as "
        return Reason(words + "`halt.spike` finds it", is_threshold=False)
    assert threshold is not None
    said = f"its loss was {loss:.4g}, above the threshold of {threshold:.4g}"
    if threshold < _NEAR * guess.loss:
        where = "below" if threshold < guess.loss else "near"
        said += f", which is {where} the {guess.loss:.3g} of {guess.words}"
    return Reason(said, is_threshold=True)


def _not_finite(metrics: Mapping[str, np.ndarray], place: int, leaf_names: Sequence[str]) -> str:
    """Names the number of a step that was not finite: one of its measures, else an array."""
    leaf = int(metrics["bad_leaf"][place])
    array = f"{leaf_names[leaf]} had a number that is not finite" if leaf >= 0 else ""
    for name in _NUMBERS:
        value = float(metrics[name][place])
        if not math.isfinite(value):
            return f"its {name} was {value}" + (f", and after it {array}" if array else "")
    return f"after it {array}"

"""Says why a step was not made, from the metrics of the guard."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from train.errors import Reason

_NEAR = 1.5  # times the loss of a guess
_NUMBERS = ("loss", "grad_norm", "update_norm", "learning_rate")


def why(
    metrics: Mapping[str, np.ndarray],
    place: int,
    *,
    threshold: float | None,
    num_classes: int,
    leaf_names: Sequence[str],
) -> Reason:
    """Says what was wrong with a step.

    Args:
      metrics: the metrics of a chunk's steps, [steps] each, as `train.engine.step` gives them.
      place: of the step among them.
      threshold: as `train.engine.guard.threshold` gives it.
      num_classes: the number of classes.
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
    guess = math.log(num_classes)
    if threshold < _NEAR * guess:
        where = "below" if threshold < guess else "near"
        said += f", which is {where} the {guess:.3g} of a guess among {num_classes} classes"
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

"""Margins: for each measure, how small a difference counts as none, and the reason for it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Literal, TypeAlias

from train.report.numbers import words
from train.report.numbers.measures import Measure
from train.report.numbers.task_record import CLASSIFICATION, TaskRecord

Relation: TypeAlias = Literal["", "of the steps", "of the other"]


@dataclasses.dataclass(frozen=True)
class Margin:
    """A margin: two settings whose difference is smaller are called the same."""

    value: float
    """The margin in the measure's unit, or in % of the number that `relation` names."""
    why: str
    """The reason, as a sentence."""
    relation: Relation = ""
    """Empty: the value is absolute."""

    def absolute(self, *, steps: float, other: float | None) -> float | None:
        """Returns the margin in the measure's unit; None if `relation` names an unknown number.

        Args:
          steps: the number of steps of a whole run.
          other: the mean of the setting that the first is compared with, if it has one.
        """
        if not self.relation:
            return self.value
        whole = steps if self.relation == "of the steps" else other
        return None if whole is None else self.value / 100 * abs(whole)

    def text(self, measure: Measure) -> str:
        """Writes the margin: `0.5 points`, `2 % of the steps`."""
        if self.relation:
            return f"{self.value:g} % {self.relation}"
        return " ".join(filter(None, [f"{self.value:g}", words.unit(measure.unit)]))


_LOSS = Margin(
    0.02,
    "A difference of 0.02 nats changes the probability that the network gives to the right class "
    "by 2 % in the geometric mean. No choice of a schedule turns on that.",
)
_PART = Margin(
    2, "The unit of this loss is the task's own. A part of it is known in any unit.", "of the other"
)
_COST = Margin(
    5,
    "Whoever chooses a schedule by its cost will not notice 5 %.",
    "of the other",
)
_LOSSES = ("final_loss", "best_loss", "area", "train_loss", "test_loss", "restart_loss")
_OTHERS: Mapping[str, Margin] = {
    "spike_height": Margin(
        0.05,
        "A spike is the highest of many short windows. It is a few hundredths of a nat by chance "
        "alone, where the loss does not jump at all.",
    ),
    "recovery": Margin(
        0.5,
        "The curves of the papers and of this report have a point for each epoch. They do not show "
        "half an epoch.",
    ),
    "unrest": Margin(1, "It is a tenth of the 10 % below which a loss counts as settled."),
    "highest_rate": Margin(
        5, "A rate is set and not measured. Rates within 5 % train alike.", "of the other"
    ),
    "steps_to": Margin(
        2,
        "The accuracy is known at evaluations alone, which are mostly an epoch apart. An epoch is "
        "about 2 % of a run of 50.",
        "of the steps",
    ),
    "seconds": _COST,
}


@functools.cache
def margins_of(task: TaskRecord) -> Mapping[str, Margin]:
    """Returns the margin of each measure of a task, where a claim gives none of its own."""
    of_measures = {
        name: Margin(each.margin, each.why)
        for each in task.measures
        for name in (each.final, each.best)
    }
    is_in_nats = task.loss_unit == "nats"
    losses = dict.fromkeys(_LOSSES, _LOSS if is_in_nats else _PART)
    spikes = {} if is_in_nats else {"spike_height": _PART}
    speed = {task.speed: _COST}
    return {**of_measures, **losses, **_OTHERS, **spikes, **speed}


MARGINS = margins_of(CLASSIFICATION)
"""The margins of the classification of images."""


def margin_of(task: TaskRecord, measure: str, margin: float | None, because: str) -> Margin:
    """Returns a claim's own margin, else the measure's."""
    if margin is None:
        return margins_of(task)[measure]
    return Margin(margin, because or "The claim has this margin of its own.")

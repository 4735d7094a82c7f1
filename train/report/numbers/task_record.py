"""What a report has to know of a study's task: the words for its examples, losses and metrics."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from train.metric import ACCURACY, Metric


@dataclasses.dataclass(frozen=True)
class TaskRecord:
    """A task, as `study.json` has it where it is not the classification of images."""

    name: str
    noun: str
    """The plural of an example."""
    loss_unit: str
    measures: tuple[Metric, ...]
    """The first is what settings are compared in."""

    @property
    def first(self) -> Metric:
        """Returns the metric in which settings are compared."""
        return self.measures[0]

    @property
    def loss(self) -> str:
        """Returns the unit of a loss behind its name: `, nats`."""
        return f", {self.loss_unit}" if self.loss_unit else ""

    @property
    def speed(self) -> str:
        """Returns the name of the speed: `images_per_second`."""
        return f"{self.noun}_per_second"


CLASSIFICATION = TaskRecord("classification", "images", "nats", (ACCURACY,))


def task_record(record: Mapping[str, Any]) -> TaskRecord:
    """Returns the task of a `study.json`."""
    task = record.get("task")
    if task is None:
        return CLASSIFICATION
    measures = tuple(Metric(**each) for each in task["measures"])
    return TaskRecord(task["name"], task["noun"], task["loss_unit"], measures)

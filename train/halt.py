"""Halt: what happens at a step that has gone wrong. Its fields are read as those of Config are."""

import dataclasses
from typing import Annotated, Any, Literal

from train.checked import Count, checked
from train.kinds import Within

_LIMIT = Within(above=0, way_out="None switches it off.")
_SINCE_THEN = ("spike", "action", "skip_limit")


@checked("halt")
@dataclasses.dataclass(frozen=True)
class Halt:
    """The rule that stops a run that has gone wrong. A number that is not finite always counts."""

    threshold: Annotated[float, _LIMIT] | Literal["auto"] | None = "auto"
    """The cross-entropy above which a training step has gone wrong, in nats. Above 0; None: never.
    This is equation 5 of Naveen 2024, where it is 4.5.
    auto: twice that of a guess among all classes, which is ln(classes), and at least 4.5.
    So it is 4.6 for 10 classes, and 9.6 for 120. It may change between two starts of a run."""
    spike: Annotated[float, _LIMIT] | None = None
    """How far a step's loss may lie above the losses before it, in units of their scatter.
    Of the last 64 losses it takes the median, and 1.48 times the median distance to it.
    For normal numbers that is one standard deviation, and at least 1 % of the median counts.
    Above 0; None: it may lie anywhere. The runs in results/ stay below 7 in the midst of a cycle,
    reach 20 where log annealing restarts, and 35 where the rate is far too high."""
    grace_epochs: Annotated[int, Within(at_least=0, fits=1_000_000)] = 2
    """The time for which threshold and spike do not count, in epochs. At least 0.
    It runs from the start, and again from each `--adjust-schedule` and `--extend stretch`."""
    action: Literal["halt", "skip", "ignore"] = "halt"
    """What happens at a step that has gone wrong.
    halt: the run stops, and the state before the step is saved.
    skip: the step changes nothing but the step's number, and the run goes on with the next batch.
    ignore: the step is made. But a number that is not finite halts the run all the same."""
    skip_limit: Count = 10
    """How many steps in a row `--halt.action skip` leaves out. At least 1. One more halts the run.
    """

    @classmethod
    def later(cls) -> dict[str, Any]:
        """Returns the defaults of the fields that a record may lack, by their whole names."""
        fields = dataclasses.fields(cls)
        return {f"halt.{each.name}": each.default for each in fields if each.name in _SINCE_THEN}

    def knobs(self) -> dict[str, Any]:
        """Returns the fields for a record, where those of later releases stand only if changed."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in _SINCE_THEN or getattr(self, field.name) != field.default
        }

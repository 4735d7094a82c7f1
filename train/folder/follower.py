"""What follows the log of a run: it gets the same numbers, and keeps them elsewhere."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from train.errors import Halted, Interrupted

Outcome: TypeAlias = Literal["done", "halted", "interrupted", "failed"]
"""How a start of a run ended. interrupted: it goes on at the next start."""


@dataclasses.dataclass(frozen=True)
class Point:
    """The numbers of one line of `metrics.jsonl`."""

    split: str
    """The name of the images: train, validation or test."""
    step: int
    """The number of updates done."""
    values: Mapping[str, float]
    """The numbers by names such as `train/loss`; those that are not finite are left out."""


def point(line: Mapping[str, Any]) -> Point:
    """Returns a line of `metrics.jsonl` as a point."""
    split = str(line.get("split", "train"))
    names = [name for name in line if name not in ("kind", "split", "step")]
    values = {f"{split}/{name}": line[name] for name in names if line[name] is not None}
    return Point(split, int(line["step"]), values)


def outcome(kind: type[BaseException] | None) -> Outcome:
    """Returns how a start of a run ended, by the exception that ended it."""
    if kind is None:
        return "done"
    if issubclass(kind, Interrupted | KeyboardInterrupt):
        return "interrupted"
    return "halted" if issubclass(kind, Halted) else "failed"


class Follower(Protocol):
    """What a log tells of a start of a run. Nothing of it raises an error, or takes long."""

    def start(self) -> None:
        """Begins, before the first point."""

    def add(self, point: Point) -> None:
        """Takes a point."""

    def end(self, step: int, summary: Mapping[str, Any], pictures: Sequence[Path]) -> None:
        """Takes the summary and the pictures of a run that has ended."""

    def close(self, outcome: Outcome) -> None:
        """Ends, after the last point."""

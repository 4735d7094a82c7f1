"""What a record beside `metrics.jsonl` is told of a run when it begins."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class About:
    """A run, in the words that people look for in a list of runs."""

    folder: Path
    """The run's folder, as it was given."""
    settings: Mapping[str, Any]
    """Every field of the configuration, by names such as `optimizer.momentum`."""
    schedule: str
    """The schedule, as its `repr` writes it."""
    measures: Sequence[str] = ("accuracy",)
    """The names of what an evaluation measures beside the loss."""

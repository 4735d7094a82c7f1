"""Loggers: tools of others that get a run's numbers beside its own records.

The run's folder is the truth, and has all without them. A logger works in a thread of its own, and
where it fails, the run goes on without it.
"""

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from train.errors import UserError
from train.folder.about import About
from train.folder.follower import Outcome, Point

Name: TypeAlias = Literal["wandb", "mlflow"]

_PACKAGES: Mapping[Name, Sequence[str]] = {
    "wandb": ("wandb",),
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
}

Known: TypeAlias = Mapping[str, Mapping[int, float]]
"""The points that a tool has: for each split the steps, with the `seconds` of their lines.

A step that was made anew has other seconds.
"""


class Logger(Protocol):
    """A tool that gets a run's numbers. Any of its methods may raise anything, and may be slow."""

    def begin(self, about: About, run: str | None) -> tuple[str, Known]:
        """Begins the tool's run, or goes on with it.

        Args:
          about: what the run is.
          run: the name under which the tool knows it from an earlier start; None: there is none.

        Returns:
          That name, and which points the tool is known to have.
        """

    def points(self, points: Sequence[Point]) -> None:
        """Sends points, in order."""

    def end(self, step: int, summary: Mapping[str, Any], pictures: Sequence[Path]) -> None:
        """Sends the summary of a run that has ended, and its pictures, PNG files."""

    def close(self, outcome: Outcome) -> str:
        """Closes the tool's run, and returns the command or the address that shows it."""


def check(names: Iterable[Name]) -> None:
    """Checks that what loggers need is installed.

    Raises:
      UserError: it is not.
    """
    for name in names:
        lacking = [each for each in _PACKAGES[name] if importlib.util.find_spec(each) is None]
        if lacking:
            raise UserError(
                f"`--log` must be a logger whose packages are installed, got {name}, which needs "
                f"{lacking[0]}. Install it by `pip install '.[{name}]'`, or leave --log {name} out."
            )

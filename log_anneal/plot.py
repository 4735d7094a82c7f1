"""Pictures of schedules. `plot` needs matplotlib, which is imported when it draws."""

from log_anneal._show.figure import plot
from log_anneal._show.terminal import draw

__all__ = ["draw", "plot"]

"""Pictures of schedules. They need matplotlib, which is imported when one is drawn."""

from log_anneal._show.figure import plot

__all__ = ["plot"]

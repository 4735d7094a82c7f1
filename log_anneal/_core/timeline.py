"""The course of a schedule: its restarts, and its end."""

from collections.abc import Iterator
from itertools import islice, takewhile

from log_anneal._core import check
from log_anneal._core.tree import refuse_stack


class Timeline:
    """Tells where a schedule restarts and ends.

    A schedule that has restarts or an end defines `_restarts`, `_duration` and `_where`.
    """

    def restarts(self, num_steps: int) -> list[int]:
        """Returns the steps at which the schedule starts again.

        Args:
          num_steps: how many steps to look at, from step 0 on.

        Returns:
          Steps in order, in [0, num_steps); none for a schedule without restarts.

        Raises:
          ValueError: it is a stack of schedules.
        """
        refuse_stack(self)
        return list(takewhile(lambda step: step < num_steps, self._restarts()))

    def first_restarts(self, count: int) -> list[int]:
        """Returns the first `count` steps at which the schedule starts again.

        Args:
          count: at least 0.

        Returns:
          Steps in order, below 2^31; fewer than `count` if the schedule has fewer restarts.

        Raises:
          ValueError: it is a stack of schedules.

        Example:
          >>> from log_anneal import cyclical_cosine_schedule
          >>> cyclical_cosine_schedule(peak_value=0.1, end_value=0.0, decay_steps=10,
          ...     restart_steps=10, restart_multiplier=1.5).first_restarts(4)
          [10, 20, 35, 58]
        """
        refuse_stack(self)
        return list(islice(self._restarts(), check.steps("count", count, 0)))

    def boundaries(self, count: int) -> list[int]:
        """Returns `first_restarts(count)`. Deprecated: this is the earlier name of that."""
        return self.first_restarts(count)

    def _restarts(self) -> Iterator[int]:
        return iter(())

    @property
    def duration(self) -> int | None:
        """Returns a step from which on the value stays; None if the value may change for ever.

        The step follows from the kind of schedule and its durations; values are not compared.
        """
        refuse_stack(self)
        return self._duration()

    def _duration(self) -> int | None:
        return None

    def _where(self, step: int) -> tuple[int, int, int | None]:
        """Returns cycle, elapsed steps and length, on the host. Without restarts, only cycle 0."""
        return 0, step, self._duration() or None

"""What a schedule knows of its own course."""

from collections.abc import Iterator
from itertools import islice, takewhile

from log_anneal._core import check
from log_anneal._core.tree import refuse_stack


class Timeline:
    """Restarts, and the end. A schedule that has them gives `_restarts`, `_duration`, `_where`."""

    def restarts(self, num_steps: int) -> list[int]:
        """The steps at which the schedule starts again, in order.

        Args:
          num_steps: how many steps to look at, from step 0 on.

        Returns:
          Steps in [0, num_steps); none for a schedule without restarts.

        Raises:
          ValueError: it is a stack of schedules.
        """
        refuse_stack(self)
        return list(takewhile(lambda step: step < num_steps, self._restarts()))

    def boundaries(self, count: int) -> list[int]:
        """The first `count` steps at which the schedule starts again, fewer if there are fewer.

        Args:
          count: at least 0.

        Returns:
          Steps in order, below 2^31.

        Raises:
          ValueError: it is a stack of schedules.

        Example:
          >>> from log_anneal import cyclical_cosine_schedule
          >>> cyclical_cosine_schedule(peak_value=0.1, end_value=0.0, decay_steps=10,
          ...     restart_steps=10, restart_multiplier=1.5).boundaries(4)
          [10, 20, 35, 58]
        """
        refuse_stack(self)
        return list(islice(self._restarts(), check.steps("count", count, 0)))

    def _restarts(self) -> Iterator[int]:
        return iter(())

    @property
    def duration(self) -> int | None:
        """A step from which on the value stays; None where it may change for ever.

        It follows from the kind of schedule and its durations: equal values are not looked for.
        """
        refuse_stack(self)
        return self._duration()

    def _duration(self) -> int | None:
        return None

    def _where(self, step: int) -> tuple[int, int, int | None]:
        """Cycle, elapsed steps and length, on the host; without restarts there is cycle 0 alone."""
        return 0, step, self._duration() or None

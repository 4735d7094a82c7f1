"""The course of a schedule: its restarts, and its end."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import dropwhile, islice, takewhile
from operator import index
from typing import Self

from log_anneal._core import check, tree
from log_anneal._core.steps import MAX_STEP


class Timeline(tree.Tree):
    """Tells where a schedule restarts and ends.

    A schedule that has restarts or an end defines `restarts_at` and `ends_at`. Both are called on
    the host's copy of the schedule, whose durations are ints.
    """

    @cached_property
    def _on_host(self) -> Self:
        tree.refuse_stack(self)
        return tree.on_host(self)

    def restarts_at(self) -> Iterable[int]:
        """Returns the steps at which the schedule starts again, in order, all above 0.

        A subclass defines it if it has restarts. They may be a list, a `range` or a generator, and
        may have no end.
        """
        return ()

    def ends_at(self) -> int | None:
        """Returns a step from which on the value stays; None if it may change for ever.

        A subclass defines it if it has an end.
        """
        return None

    def restarts(self, num_steps: int) -> list[int]:
        """Returns the steps at which the schedule starts again.

        Args:
          num_steps: how many steps to look at, from step 0 on.

        Returns:
          Steps in order, in [0, num_steps); none for a schedule without restarts.

        Raises:
          ValueError: it is a stack of schedules.
        """
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
        return list(islice(self._restarts(), check.steps("count", count, 0)))

    def boundaries(self, count: int) -> list[int]:
        """Returns `first_restarts(count)`. Deprecated: this is the earlier name of that."""
        return self.first_restarts(count)

    def _restarts(self) -> Iterator[int]:
        steps = map(index, self._on_host.restarts_at())
        return takewhile(lambda step: step <= MAX_STEP, steps)

    @property
    def duration(self) -> int | None:
        """Returns a step from which on the value stays; None if the value may change for ever.

        The step follows from the kind of schedule and its durations; values are not compared.
        """
        end = self._on_host.ends_at()
        return None if end is None or end > MAX_STEP else index(end)

    def _where(self, step: int) -> tuple[int, int, int | None]:
        """Returns cycle, elapsed steps and length, on the host. Without restarts, only cycle 0.

        A sequence of restarts, a `range` for example, is searched. Other ones are counted.
        """
        starts = self.restarts_at()
        if not isinstance(starts, Sequence):
            starts = _around(starts, step)
        cycle = bisect_right(starts, step)
        start = starts[cycle - 1] if cycle else 0
        end = starts[cycle] if cycle < len(starts) else self.ends_at()
        return cycle, step - start, None if end is None else end - start or None


def _around(starts: Iterable[int], step: int) -> list[int]:
    """Returns the restarts up to a step, and the one after it."""
    found = []
    for start in starts:
        found.append(start)
        if start > step:
            break
    return found


def restarts_from(schedule: Timeline, step: int) -> Iterator[int]:
    """Yields the restarts of a schedule from a step on.

    A class may know them by `_restarts_from(step)`, without those before. A subclass that defines
    `restarts_at` anew has others.
    """
    for cls in type(schedule).__mro__:
        if "_restarts_from" in vars(cls):
            found: Iterator[int] = schedule._restarts_from(step)  # type: ignore[attr-defined]
            return found
        if "restarts_at" in vars(cls):
            break
    starts = schedule.restarts_at()
    if isinstance(starts, range):
        return iter(starts[bisect_left(starts, step) :])
    return dropwhile(lambda start: start < step, starts)

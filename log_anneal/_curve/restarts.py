"""The restarts of a cycle, as a sequence that need not be counted through."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import overload

import numpy as np

from log_anneal._core.steps import MAX_STEP
from log_anneal._curve.cycle import RESTART, restart_rows
from log_anneal._curve.table import Table, Wrap


class Restarts(Sequence[int]):
    """The whole steps below 2^31 at which a cycle begins, in order."""

    def __init__(self, table: Table, wrap: Wrap | None, skipped: int = 0) -> None:
        """Takes them out of a table, and leaves the first ones out."""
        beyond, turns, self._turn_steps = 0, 1, 0
        if wrap is None:
            rows = restart_rows(table)
            self._rounds = [range(start, last + 1, period) for start, last, period in rows]
        else:
            first, self._turn_steps, cycles = (int(each) for each in wrap)
            turns += (MAX_STEP - first) // self._turn_steps
            starts = np.asarray(table.start)[RESTART : RESTART + cycles].tolist()
            self._rounds = [range(start, start + 1) for start in starts]
            last = MAX_STEP - (turns - 1) * self._turn_steps
            beyond = len(starts) - bisect_right(starts, last)
        self._ends = list(accumulate(map(len, self._rounds)))
        self._skipped = skipped
        self._count = max(turns * sum(map(len, self._rounds)) - beyond - skipped, 0)

    def __len__(self) -> int:
        """Returns how many there are."""
        return self._count

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> list[int]: ...
    def __getitem__(self, at: int | slice) -> int | list[int]:
        """Returns the step of a restart, or of several."""
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(self._count))]
        if not -self._count <= at < self._count:
            raise IndexError(f"`at` must be below {self._count}, got {at}. Ask `len` first.")
        turn, number = divmod(at % self._count + self._skipped, self._ends[-1])
        row = bisect_right(self._ends, number)
        before = self._ends[row - 1] if row else 0
        return self._rounds[row][number - before] + turn * self._turn_steps

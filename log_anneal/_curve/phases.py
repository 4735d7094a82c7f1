"""The table of phases, one after the other, whose lengths may be real."""

import math
from collections.abc import Sequence

from log_anneal._core.check import simplest_fraction
from log_anneal._core.steps import MAX_STEP
from log_anneal._curve.table import Row, Table, table_of


def phase_table(lengths: Sequence[float], *, is_endless: bool = False) -> Table:
    """Makes a table of phases of these real lengths. Then the end is held, or is never reached."""
    count = len(lengths)
    rows, real_start = [], simplest_fraction(0.0)
    for index, length in enumerate(lengths):
        real_end = real_start + simplest_fraction(float(length))
        start, end = math.ceil(real_start), math.ceil(real_end)
        rows.append(
            Row(
                start,
                end - start,
                offset=float(start - real_start),
                tail=float(real_end - end + 1),
                start_slopes=[float(each < index) for each in range(count)],
                length_slopes=[float(each == index) for each in range(count)],
            )
        )
        real_start = real_end
    start = math.ceil(real_start)
    endless = Row(start, MAX_STEP, start_slopes=[1.0] * count, length_slopes=[0.0] * count)
    return table_of([*rows, endless if is_endless else Row.hold(start)])

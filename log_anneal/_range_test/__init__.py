"""The learning-rate range test: its rates, its run, what it suggests, and its picture.

It imports `_schedules` and `_core`.
"""

from log_anneal._range_test.run import RangeTest

# Pickles that were made when this was a file look for it here.
__all__ = ["RangeTest"]

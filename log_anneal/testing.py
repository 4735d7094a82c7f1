"""A check for schedules of your own: the laws that hold the library's, in one call.

    def test_my_schedule_keeps_the_laws():
        la.testing.check_schedule(MySchedule(peak_value=0.1, period_steps=10))

docs/extending.md tells what each law says.
"""

from log_anneal._laws.broken import LawBroken
from log_anneal._laws.check import check_schedule

__all__ = ["LawBroken", "check_schedule"]

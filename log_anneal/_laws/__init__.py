"""The laws of a schedule, as tests that take any schedule.

It imports `_core`.
"""

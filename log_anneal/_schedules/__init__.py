"""The kinds of schedules.

It imports `_curve` and `_core`.
"""

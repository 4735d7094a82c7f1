"""Schedules in the state of an optimizer, and one for each group of parameters.

It imports `_core`.
"""

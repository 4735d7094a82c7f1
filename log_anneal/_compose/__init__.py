"""Schedules made of schedules.

It imports `_core`, and of the kinds the constant, which a number becomes.
"""

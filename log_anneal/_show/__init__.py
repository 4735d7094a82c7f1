"""Pictures of schedules, in a terminal and by matplotlib.

It imports `_core`.
"""

"""What a picture of schedules shows, in a terminal and by matplotlib.

It imports `_core`.
"""

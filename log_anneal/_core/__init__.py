"""The ground: records that are pytrees, their fields and checks, and schedules.

It imports nothing else of the library.
"""

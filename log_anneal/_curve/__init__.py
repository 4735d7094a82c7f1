"""The parts of curves: shapes, and tables that say where in a phase a step is.

It imports `_core`.
"""

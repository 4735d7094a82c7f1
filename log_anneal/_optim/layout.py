"""Where everything is in the words of a schedule; `words.py` says it in prose."""

VERSION = 1
HEADER, NODE, CURVE, ROW = 8, 16, 16, 5
FRAMES = (5, 8, 11)
"""Where the frames are in a node, the outermost first."""

MAX_NODES = 16
OPERATIONS = ("track", "sum", "difference", "product", "maximum", "minimum", "then")

SIZES = (512, 2048, 8192, 32_768, 131_072, 524_288)
"""The lengths that a table may have. Two tables of one length share a trace."""


class DoesNotFitError(ValueError):
    """A schedule needs more words than a table has."""


class NoPhasesError(TypeError):
    """A schedule cannot be written as phases."""

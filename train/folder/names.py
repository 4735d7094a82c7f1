"""Names of files."""

import re


def slug(label: str) -> str:
    """Returns a label in a form that can be part of a file's name."""
    return re.sub(r"[^a-z0-9.]+", "_", label.lower()).strip("_")

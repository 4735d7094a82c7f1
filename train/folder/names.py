"""Names of files."""

import re
from collections.abc import Iterable


def slug(label: str) -> str:
    """Returns a label in a form that can be a file's name, and names no other folder.

    A label of dots alone would: `..` is the folder above.
    """
    name = re.sub(r"[^a-z0-9.]+", "_", label.lower()).strip("_")
    return name if name.strip(".") else name.replace(".", "dot")


def joined(labels: Iterable[str]) -> str:
    """Returns labels as one name of a folder, which is never empty."""
    return "-".join(map(slug, labels)) or "unnamed"

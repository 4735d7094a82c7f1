"""The names of the folders in a study's folder."""

from train.folder.names import joined, slug
from train.study import SETTINGS, Labels


def range_test_folder(label: str) -> str:
    """Returns the name of the folder of a label's range test, within the study's folder."""
    return f"range_test-{slug(label)}"


def combination(labels: Labels) -> str:
    """Returns the labels, without the one that a search adds, as the name of a folder."""
    return joined(label for axis, label in labels.items() if axis != SETTINGS)

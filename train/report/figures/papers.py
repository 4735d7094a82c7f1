"""What of the papers a study repeats, by its name: that of `configs/study_<name>.py`."""

from collections.abc import Mapping

SCHEDULES: Mapping[str, str] = {
    "experiment1": "figure 1 of Naveen 2024",
    "experiment2": "figure 1 of Naveen 2024",
}
"""The figure that its learning rates are after."""
CURVES: Mapping[tuple[str, str], str] = {
    ("experiment1", "train_loss"): "figure 2 of Naveen 2024",
    ("experiment2", "train_loss"): "figure 3 of Naveen 2024",
    ("smith", "test_accuracy"): "the curves of Smith 2015",
}
"""The figure that one of its curves is after."""
X: Mapping[str, str] = {"smith": "iteration"}
"""What the paper's figures count in, where it is not epochs."""

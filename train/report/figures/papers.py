"""The figures of the papers that a study repeats, by the name in `configs/study_<name>.py`."""

from collections.abc import Mapping

SCHEDULES: Mapping[str, str] = {
    "experiment1": "figure 1 of Naveen 2024",
    "experiment2": "figure 1 of Naveen 2024",
}
"""The paper's figure that the study's learning rates repeat."""
CURVES: Mapping[tuple[str, str], str] = {
    ("experiment1", "train_loss"): "figure 2 of Naveen 2024",
    ("experiment2", "train_loss"): "figure 3 of Naveen 2024",
    ("smith", "test_accuracy"): "the curves of Smith 2015",
}
"""The paper's figure that a curve repeats, by the names of the study and the curve."""
X: Mapping[str, str] = {"smith": "iteration"}
"""The unit of the x axis of the paper's figures, where it is not epochs."""

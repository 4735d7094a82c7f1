"""The laptop size: runs that are small enough for one CPU core, and still give an answer.

A ResNet of 78 thousand parameters sees all 50,000 training images of CIFAR-10 for 6 epochs of 390
steps. It classifies about 74 % of the test images correctly, after two minutes on one core.

The sizes come from a pilot study, made before any other to find its power. It compared cosine
annealing with log annealing (base 20): one cycle after an epoch of warm-up, peak 0.2.

| network | epochs | CPU time | seeds | difference | scatter of the paired differences |
|---|---|---|---|---|---|
| 78 thousand parameters | 6 | 130 s | 4 | 1.28 points | 0.43 points |
| 78 thousand parameters | 3 | 67 s | 3 | 0.70 points | 0.55 points |
| 20 thousand parameters | 6 | 68 s | 2 | 0.24 points | 0.35 points |

Wider and longer runs tell more for their time: the difference grows faster than the square root of
the time, and the scatter stays the same. With ten seeds and a scatter of 0.45 points, a paired
t-test at 5 % sees a difference of 0.45 points with a probability of 80 %. So each setting has ten
seeds.
"""

from collections.abc import Mapping
from typing import Any

LAPTOP: Mapping[str, Any] = {
    "epochs": 6,
    "batch_size": 128,
    "eval_batch_size": 500,
    "cpu_devices": 1,
    "preprocess_once": True,
    "model.name": "resnet_small",
    "model.width": 16,
}
STEPS = 390
"""The steps in an epoch: 50,000 images in batches of 128."""
SEEDS = range(10)
TRIALS = 8
"""The number of trials of each search."""
TRIAL: Mapping[str, Any] = {"batch_size": 115}
"""The changes for a trial of a search, where schedules count steps. A trial trains on nine tenths
of the images. With batches that are a tenth smaller, a trial
makes six steps more than a run."""
CORES = 1
"""The number of CPU cores for each run."""


def in_steps(schedule: Any, *, epochs: int) -> Mapping[str, Any]:
    """Returns the changes that give a run the schedule of a longer run, shortened in proportion.

    Args:
      schedule: with durations in epochs of the longer run.
      epochs: the length of the longer run. It must divide 2340, the steps of a run of this size.
    """
    total = LAPTOP["epochs"] * STEPS
    return {"schedule": schedule.stretch(total // epochs), "schedule_unit": "steps"}

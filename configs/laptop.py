"""What makes a run of a study small enough for one CPU core, and still an answer.

All 50,000 training images of CIFAR-10 for 6 epochs of 390 steps, through a ResNet of 78 thousand
parameters: about 74 % of the test images come out right, in two minutes of one core.

The sizes come from a pilot for power, made before any study: cosine annealing against log
annealing with base 20, one cycle after an epoch of warm-up, peak 0.2.

| network | epochs | CPU time | seeds | difference | scatter of the paired differences |
|---|---|---|---|---|---|
| 78 thousand parameters | 6 | 130 s | 4 | 1.28 points | 0.43 points |
| 78 thousand parameters | 3 | 67 s | 3 | 0.70 points | 0.55 points |
| 20 thousand parameters | 6 | 68 s | 2 | 0.24 points | 0.35 points |

The wider and longer runs tell more for the time: the difference grows faster than the square root
of the time, and the scatter stays. With ten seeds and a scatter of 0.45 points, a paired t-test at
5 % sees a difference of 0.45 points with a probability of 80 %. So each setting has ten seeds.
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
"""In an epoch: 50,000 images in batches of 128."""
SEEDS = range(10)
TRIALS = 8
"""Of each search."""
TRIAL: Mapping[str, Any] = {"batch_size": 115}
"""Of a search whose schedules count steps: a trial trains on nine tenths of the images, and makes
as many steps in batches that are smaller by a tenth."""
CORES = 1
"""Of each run."""


def in_steps(schedule: Any, *, epochs: int) -> Mapping[str, Any]:
    """Returns the changes that give a run a schedule of a longer one, in proportion.

    Args:
      schedule: its durations in epochs of the longer run.
      epochs: of the longer run; a part of 2340, the steps of a run here.
    """
    total = LAPTOP["epochs"] * STEPS
    return {"schedule": schedule.stretch(total // epochs), "schedule_unit": "steps"}

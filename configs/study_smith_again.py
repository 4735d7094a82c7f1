"""Smith 2015, second stage: new seeds for the claims that the first ten seeds could not tell.

    python -m train study configs/study_smith_again.py --size smoke

`configs/study_smith.py` at laptop size left six claims open. This study asks the same six, with the
same runs, under twenty seeds that the first stage did not have. It was planned when the first
stage's results were known, and so it does not use its runs: its numbers are of the new seeds alone.
Each claim is tested at a level of its own, 5 %. A claim that is false was so given two chances, and
both stages together find it true with a probability of at most 10 %.

From the scatter of the first stage, with 80 % power, the twenty seeds see these differences:
parabolic and triangular 0.4 points, sinusoidal and triangular 0.45, triangular2 and the fixed
middle 1.5, exp_range and the middle 1.4, either of them and the fixed upper bound 2.7. In the first
stage the upper bound scattered by 3.7 points over the seeds: that claim may stay open.

The bounds come from the same range test. Nothing is tuned, since the claims are about the bounds.
"""

import dataclasses

import study_smith as first
from study_smith import EXP_RANGE, HIGH, MIDDLE

from train.study import Claim, Size, Study

SEEDS = range(10, 30)
OPEN = (
    "s.parabolic",
    "s.sinusoidal",
    "s.triangular2_beats_middle",
    "s.triangular2_beats_high",
    "s.exp_range_beats_middle",
    "s.exp_range_beats_high",
)
"""The claims that the first stage could not tell."""
SCHEDULES = (*first.WINDOWS, EXP_RANGE, MIDDLE, HIGH)


def get_study(size: Size) -> Study:
    """Returns the study. Other sizes than the laptop's are the first stage's, under other seeds."""
    study = first.get_study(size)
    return dataclasses.replace(
        study,
        title="Cyclical learning rates on CIFAR, second stage (Smith 2015)",
        description=f"{first.DESCRIPTION}\n\n{WHY}",
        axes={
            **study.axes,
            "schedule": {label: study.axes["schedule"][label] for label in SCHEDULES},
        },
        seeds=SEEDS if size == "laptop" else [seed + 10 for seed in study.seeds],
        tune=None,
        claims=[_second(claim) for claim in first.CLAIMS if claim.id in OPEN],
    )


WHY = """\
The first stage, with seeds 0 to 9, left these claims open. The seeds here are new. The first \
stage's runs are not among them, since the second stage was planned when they were known."""


def _second(claim: Claim) -> Claim:
    return dataclasses.replace(claim, id=claim.id.replace("s.", "s2.", 1))

"""Least squares with a power-law spectrum, where the expected loss of every schedule is known.

python -m train configs/regression_small.py
"""

import log_anneal as la
from train.config import Config
from train.halt import Halt
from train.optimizer import OptimizerConfig
from train.tasks.regression import Regression


def get_config() -> Config:
    """Returns a run of 1,200 steps of plain SGD, each on 16 new examples."""
    return Config(
        task=Regression(),
        epochs=12,
        batch_size=16,
        # A single batch may have a loss far above the mean, which says nothing of the weights.
        halt=Halt(threshold=None),
        optimizer=OptimizerConfig(momentum=0.0, weight_decay=0.0),
        schedule=la.warmup_stable_decay_schedule(  # in epochs
            peak_value=1.2, end_value=0.0, warmup_steps=1, stable_steps=8, decay_steps=3
        ),
    )

"""Experiment 1 with cosine annealing on the cycle of `cifar10_resnet34_log`.

    python -m train configs/cifar10_resnet34_cosine.py

Only the shape of the decay differs.
"""

import dataclasses

import cifar10_resnet34_log

import log_anneal as la
from train.config import Config


def get_config() -> Config:
    """Returns the run of `cifar10_resnet34_log` with another shape of the decay."""
    return dataclasses.replace(
        cifar10_resnet34_log.get_config(),
        schedule=la.cyclical_cosine_schedule(  # in epochs
            init_value=1e-4,
            peak_value=0.1,
            end_value=0.001,
            warmup_steps=5,
            decay_steps=10,
            restart_steps=10,
            restart_multiplier=2.0,
        ),
    )

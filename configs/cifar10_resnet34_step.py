"""Experiment 1 with step decay.

    python -m train configs/cifar10_resnet34_step.py

The paper does not print this schedule's settings. Here the rate falls to a tenth every 20 of the 60
epochs, from 0.1 to the 0.001 at which the other schedules end.
"""

import dataclasses

import cifar10_resnet34_log

import log_anneal as la
from train.config import Config


def get_config() -> Config:
    """Returns the run of `cifar10_resnet34_log` with another schedule."""
    return dataclasses.replace(
        cifar10_resnet34_log.get_config(),
        schedule=la.step_decay_schedule(  # in epochs
            init_value=0.1, decay_steps=20, decay_rate=0.1
        ),
    )

"""Experiment 1 without a schedule.

    python -m train configs/cifar10_resnet34_constant.py

The rate is 0.1, to which the other schedules warm up. As printed, it would be 1e-4, at which 60
epochs are too few: `--schedule.value 1e-4`.
"""

import dataclasses

import cifar10_resnet34_log

import log_anneal as la
from train.config import Config


def get_config() -> Config:
    """The schedule is the difference."""
    return dataclasses.replace(
        cifar10_resnet34_log.get_config(), schedule=la.constant_schedule(0.1)
    )

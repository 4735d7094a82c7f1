"""Experiment 1 without a schedule.

    python -m train configs/cifar10_resnet34_constant.py

The rate is 0.1, to which the other schedules warm up. The paper's 1e-4 is too low to learn much in
60 epochs; `--schedule.value 1e-4` sets it.
"""

import dataclasses

import cifar10_resnet34_log

import log_anneal as la
from train.config import Config


def get_config() -> Config:
    """Returns the run of `cifar10_resnet34_log` with another schedule."""
    return dataclasses.replace(
        cifar10_resnet34_log.get_config(), schedule=la.constant_schedule(0.1)
    )

"""A transformer beside ResNet-50 on CIFAR-10: Naveen 2024, experiment 2 (figure 3).

    python -m train configs/cifar10_hybrid50_log.py

As printed: Adam, batch 32, 40 epochs, a restart every 10 epochs, no warm-up, sparse categorical
cross-entropy, the augmentation and preprocessing of experiment 1.

Not printed, and chosen here:
- Adam's usual rate of 0.001, and a hundredth of it at the end of each cycle.
- A base of 1000, as the settings of experiment 1 give it.
- No weight decay.
- The form of the transformer (see `train.models.transformer`).

Measured: not yet. It is meant for an accelerator.
"""

import dataclasses

import cifar10_resnet34_log

import log_anneal as la
from train.config import Config
from train.models import ModelConfig
from train.optimizer import OptimizerConfig


def get_config() -> Config:
    """Returns the run. Preprocessing, augmentation and halt are those of experiment 1."""
    return dataclasses.replace(
        cifar10_resnet34_log.get_config(),
        model=ModelConfig(name="hybrid50"),
        head="softmax",
        optimizer=OptimizerConfig(name="adam", weight_decay=0.0),
        epochs=40,
        batch_size=32,
        schedule=la.cyclical_log_schedule(  # in epochs
            peak_value=1e-3, end_value=1e-5, base=1000.0, decay_steps=10, restart_steps=10
        ),
    )

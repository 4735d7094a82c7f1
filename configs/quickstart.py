"""A small ResNet on scikit-learn's handwritten digits with cyclical log annealing.

    python -m train configs/quickstart.py

It needs no download. An epoch takes seconds on a laptop.
"""

import log_anneal as la
from train.augment import Augment
from train.config import Config


def get_config() -> Config:
    """Returns a run with a warm-up, a first decay, and a second cycle of twice its length."""
    return Config(
        dataset="digits",
        augment=Augment(flip=False, crop_padding=3),  # a mirrored digit is no digit
        epochs=16,
        batch_size=32,
        schedule=la.cyclical_log_schedule(  # in epochs
            peak_value=0.1,
            end_value=1e-4,
            base=20.0,
            warmup_steps=1,
            decay_steps=5,
            restart_steps=10,
        ),
    )

"""ResNet-34 on CIFAR-10 with cyclical log annealing: Naveen 2024, experiment 1 (figure 2).

    python -m train configs/cifar10_resnet34_log.py

As printed:
- SGD with momentum 0.9 and weight decay 5e-4, batch 128, 60 epochs.
- A warm-up of 5 epochs and a first decay of 10. Then restarts at 0.1: the first cycle has 10
  epochs, and each later one twice as many. Each falls to 0.001.
- Flips, and crops with 4 pixels of padding.
- Contrast stretching, global contrast normalisation, per-pixel mean and ZCA whitening.
- A sigmoid output under categorical cross-entropy, and the halt of equation 5.

Not as printed:
- The initial rate is 0.1, and the warm-up starts at 1e-4. The paper prints 1e-4 and 0.01. With
  these the warm-up goes down and the first decay up. They are set by `--schedule.peak-value 1e-4
  --schedule.init-value 0.01 --schedule.restart-value 0.1`.
- The form is the anchored one. `--schedule.form equation_4` sets the printed equation.
- The network has 21.3 million parameters, as ResNet-34 has. The paper says 63.5 million.
  `--model.width 110` gives about as many.

Measured: not yet. It is meant for an accelerator.
"""

import log_anneal as la
from train.config import Config
from train.halt import Halt
from train.models import ModelConfig
from train.optimizer import OptimizerConfig
from train.preprocess import Preprocess


def get_config() -> Config:
    """Returns the run with the log schedule. The other schedules of experiment 1 start from it."""
    return Config(
        dataset="cifar10",
        preprocess=Preprocess(
            contrast_stretching=True,
            global_contrast_normalisation=True,
            per_pixel_mean=True,
            zca_whitening=True,
            standardise=False,
        ),
        model=ModelConfig(name="resnet34"),
        head="sigmoid",
        optimizer=OptimizerConfig(name="sgd", momentum=0.9, weight_decay=5e-4),
        halt=Halt(threshold=4.5, grace_epochs=2),
        epochs=60,
        batch_size=128,
        schedule=la.cyclical_log_schedule(  # in epochs
            init_value=1e-4,
            peak_value=0.1,
            end_value=0.001,
            warmup_steps=5,
            decay_steps=10,
            restart_steps=10,
            restart_multiplier=2.0,
        ),
    )

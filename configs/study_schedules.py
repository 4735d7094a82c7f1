"""Which schedule should I take? Every kind of the library on one workload, each at its best rate.

    python -m train study configs/study_schedules.py --size smoke

Each schedule is a shape between 0 and 1, times a base rate. Only the base rate is tuned: each kind
tries the same eight rates, from 0.01 to 1.28 by factors of two, and takes the one that is best on a
tenth of the training images. Every run is 6 epochs long. It warms up linearly in the first epoch,
except for the kinds that have a rise of their own: one cycle and Smith's. The optimizer is SGD with
Nesterov momentum 0.9 and weight decay 5e-4. The batch has 128 images.

`configs/laptop.py` says how large a run of laptop size is, and why there are ten seeds. The full
size has ResNet-18, five times as many epochs, and three seeds. Smith's parabolic and sinusoidal
windows are in `configs/study_smith.py`.
"""

from typing import Any

import laptop
import smoke

import log_anneal as la
from train.changes import changed
from train.config import Config
from train.halt import Halt
from train.models import ModelConfig
from train.optimizer import OptimizerConfig
from train.study import Claim, Size, Study
from train.study.tune import Range, Tune

COSINE, CONSTANT, STEP, LINEAR = "cosine", "constant", "step decay", "linear"
LOG_3, LOG_20, LOG = "log, base 3", "log, base 20", "log, base 1000"
COSINE_RESTARTS, LOG_RESTARTS = "cosine, one restart", "log, base 20, one restart"
WARMUP = la.polynomial_schedule(init_value=0.01, end_value=1.0, decay_steps=1)
SINGLE: dict[str, Any] = {
    "peak_value": 1.0,
    "end_value": 0.001,
    "warmup_steps": 1,
    "decay_steps": 5,
    "warmup_shape": "linear",
}
RESTARTED: dict[str, Any] = {**SINGLE, "decay_steps": 2, "restart_steps": 3}
TRIANGLE: dict[str, Any] = {"init_value": 0.05, "peak_value": 1.0, "up_steps": 1}


def after_warmup(schedule: Any) -> Any:
    """Returns a rise over the first epoch, and then the schedule."""
    return la.chain([WARMUP, schedule])


SHAPES = {
    CONSTANT: after_warmup(la.constant_schedule(1.0)),
    STEP: after_warmup(la.step_decay_schedule(init_value=1.0, decay_steps=2, decay_rate=0.1)),
    "exponential": after_warmup(
        la.exponential_schedule(init_value=1.0, decay_steps=5, decay_rate=0.001)
    ),
    "inverse square root": la.inverse_sqrt_schedule(peak_value=1.0, warmup_steps=1),
    LINEAR: la.cyclical_linear_schedule(**SINGLE),
    "polynomial, power 2": la.cyclical_polynomial_schedule(**SINGLE, power=2.0),
    COSINE: la.cyclical_cosine_schedule(**SINGLE),
    LOG_3: la.cyclical_log_schedule(**SINGLE, base=3.0),
    LOG_20: la.cyclical_log_schedule(**SINGLE, base=20.0),
    LOG: la.cyclical_log_schedule(**SINGLE, base=1000.0),
    COSINE_RESTARTS: la.cyclical_cosine_schedule(**RESTARTED),
    LOG_RESTARTS: la.cyclical_log_schedule(**RESTARTED, base=20.0),
    "one cycle": la.one_cycle_schedule(peak_value=1.0, warmup_steps=2, decay_steps=4),
    "warmup, stable, decay": la.warmup_stable_decay_schedule(
        peak_value=1.0, warmup_steps=1, stable_steps=3, decay_steps=2, end_value=0.001
    ),
    "REX": after_warmup(la.rex_schedule(init_value=1.0, decay_steps=5)),
    "triangular": la.triangular_schedule(**TRIANGLE),
    "triangular2": la.triangular2_schedule(**TRIANGLE),
    "exp_range": la.exp_range_schedule(**TRIANGLE, step_decay=0.6),
}
"""The shapes. Their durations are in epochs of a run of 6 epochs."""


def get_study(size: Size) -> Study:
    """Returns the study: 6 epochs and 10 seeds.

    The smoke size has few images and 2 seeds, the full size 30 epochs of ResNet-18 and 3 seeds.
    """
    times = 5 if size == "full" else 1
    base = Config(
        dataset="cifar10",
        epochs=6 * times,
        batch_size=128,
        model=ModelConfig(name="resnet18"),
        optimizer=OptimizerConfig(momentum=0.9, nesterov=True, weight_decay=5e-4),
        halt=Halt(threshold=None),
        schedule=la.constant_schedule(0.1),
    )
    if size != "full":
        base = changed(base, smoke.SMOKE if size == "smoke" else laptop.LAPTOP)
    rates = {"schedule.second.value": Range(low=0.01, high=1.28, scale="log")}
    return Study(
        title="Which schedule? Every kind on one workload, each at its best rate",
        description=DESCRIPTION,
        base=base,
        axes={
            "schedule": {
                label: {"schedule": shape.stretch(times) * la.constant_schedule(0.1)}
                for label, shape in SHAPES.items()
            }
        },
        seeds={"smoke": (0, 1), "laptop": laptop.SEEDS, "full": (0, 1, 2)}[size],
        cores=laptop.CORES if size == "laptop" else None,
        baseline={"schedule": COSINE},
        claims=CLAIMS,
        tune=Tune(
            search=dict.fromkeys(SHAPES, rates),
            trials=3 if size == "smoke" else laptop.TRIALS,
            method="grid",
            is_only=True,
        ),
    )


DESCRIPTION = """\
A ResNet learns CIFAR-10 under every kind of schedule that the library has. A schedule is a shape \
between 0 and 1, times a base rate, and the base rate alone is tuned: each kind tries the same \
rates, and takes the one that did best on a tenth of the training images, which the final runs \
train on again. All runs are equally long. SGD with Nesterov momentum 0.9 and weight decay 5e-4; \
flips and crops."""

_LEFT_OPEN = "Naveen 2024, section 4"
CLAIMS = [
    Claim(
        f"k.{name}",
        _LEFT_OPEN,
        text,
        "compare",
        {"of": {"schedule": of}, "than": {"schedule": than}}
        | {"measure": "final_accuracy", "expect": "higher"},
    )
    for name, text, of, than in (
        ("cosine_beats_none", "Cosine annealing beats a constant rate.", COSINE, CONSTANT),
        ("cosine_beats_step", "Cosine annealing beats step decay.", COSINE, STEP),
        ("log_beats_none", "Log annealing (base 20) beats a constant rate.", LOG_20, CONSTANT),
        ("log_beats_cosine", "Log annealing (base 20) beats cosine annealing.", LOG_20, COSINE),
        ("mild_log", "A mild base beats a sharp one: base 3 against base 1000.", LOG_3, LOG),
        (
            "restart",
            "A restart helps in so short a run: cosine with one against cosine without.",
            COSINE_RESTARTS,
            COSINE,
        ),
    )
]

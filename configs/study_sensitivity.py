"""How sensitive cyclical log annealing is, which Naveen 2024 leaves open.

    python -m train study configs/study_sensitivity.py

The sane cycle of experiment 1 with the anchored form, on ResNet-18 for 45 epochs: the base, the
restart interval, its multiplier and the restart value are changed one at a time and in pairs. No
run halts but where a number is not finite.
"""

import cifar10_resnet34_log
import smoke

import log_anneal as la
from train.changes import changed
from train.config import Halt
from train.study import Claim, Size, Study

VALUES = {
    "base": (3.0, 20.0, 100.0, 1000.0),
    "multiplier": (1.0, 1.5, 2.0),
    "interval": (5, 10, 20),
    "restart_value": (0.02, 0.05, 0.1, 0.3),
}
FIELDS = {
    "base": "schedule.base",
    "multiplier": "schedule.restart_multiplier",
    "interval": "schedule.restart_steps",
    "restart_value": "schedule.restart_value",
}
CENTRE = {"base": "20", "multiplier": "1.5", "interval": "10", "restart_value": "0.1"}


def get_study(size: Size) -> Study:
    """45 epochs and 3 seeds; smoke: a fifth of every duration, 2 seeds and fewer values."""
    is_full = size == "full"
    shrink = 1 if is_full else 5
    base = changed(
        cifar10_resnet34_log.get_config(),
        {
            "model.name": "resnet18",
            "head": "softmax",
            "halt": Halt(threshold=None),
            "epochs": 45 // shrink,
            "schedule": la.cyclical_log_schedule(
                init_value=1e-4,
                peak_value=0.1,
                end_value=0.001,
                warmup_steps=5 // shrink,
                decay_steps=10 // shrink,
                restart_steps=10 // shrink,
                restart_multiplier=1.5,
                restart_value=0.1,
                base=20.0,
            ),
        },
    )
    values = VALUES if is_full else {**VALUES, "base": (3.0, 20.0, 1000.0)}
    if not is_full:
        base = changed(base, {**smoke.SMOKE, "num_train_images": 1024})
        values["restart_value"] = (0.02, 0.1, 0.3)
    return Study(
        title="How sensitive cyclical log annealing is to its settings",
        description=DESCRIPTION,
        kind="sensitivity",
        base=base,
        axes={
            axis: {
                f"{value:g}": {FIELDS[axis]: value // shrink if axis == "interval" else value}
                for value in values[axis]
            }
            for axis in values
        },
        seeds=(0, 1, 2) if is_full else (0, 1),
        baseline=CENTRE,
        most_changes=2,
        claims=[
            Claim(
                f"o.{axis}",
                "Naveen 2024, section 4",
                f"Left open: how much the {axis.replace('_', ' ')} matters.",
                "spread",
                {"axis": axis},
            )
            for axis in VALUES
        ],
    )


DESCRIPTION = """\
Around one setting of the anchored log schedule its base, the interval between restarts (in epochs \
of the full size), the interval's multiplier and the rate at a restart are changed, one at a time \
and in pairs. The paper ends with the question which settings are best, and how much they matter."""

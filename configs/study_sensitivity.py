"""How sensitive is cyclical log annealing to its settings? Naveen 2024 leaves it open.

    python -m train study configs/study_sensitivity.py --size smoke

The runs have the sane cycle of experiment 1 in the anchored form, on ResNet-18 for 45 epochs. The
base, the restart interval, its multiplier and the restart value are changed, one at a time and in
pairs. A run halts only if a number is not finite.

The laptop size has 6 epochs for the 45, in proportion, on the network of `configs/laptop.py`, and
ten seeds. Settings are changed only one at a time, but over more bases.
"""

import cifar10_resnet34_log
import laptop
import smoke

import log_anneal as la
from train.changes import changed
from train.halt import Halt
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
    """Returns the study: 45 epochs and 3 seeds.

    The smoke size has a fifth of each duration, 2 seeds and fewer values. The laptop size has 6
    epochs and 10 seeds.
    """
    shrink = 5 if size == "smoke" else 1
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
    values: dict[str, tuple[float, ...]] = dict(VALUES)
    in_epoch = 1
    if size == "smoke":
        base = changed(base, {**smoke.SMOKE, "num_train_images": 1024})
        values |= {"base": (3.0, 20.0, 1000.0), "restart_value": (0.02, 0.1, 0.3)}
    if size == "laptop":
        in_epoch = laptop.LAPTOP["epochs"] * laptop.STEPS // 45
        base = changed(base, {**laptop.LAPTOP, **laptop.in_steps(base.schedule, epochs=45)})
        values |= {"base": (1.2, 3.0, 8.0, 20.0, 100.0, 1000.0)}
    return Study(
        title="How sensitive cyclical log annealing is to its settings",
        description=DESCRIPTION.replace("time and in pairs", "time")
        if size == "laptop"
        else DESCRIPTION,
        kind="sensitivity",
        base=base,
        axes={
            axis: {
                f"{value:g}": {
                    FIELDS[axis]: value * in_epoch // shrink if axis == "interval" else value
                }
                for value in values[axis]
            }
            for axis in values
        },
        seeds={"smoke": (0, 1), "laptop": laptop.SEEDS, "full": (0, 1, 2)}[size],
        cores=laptop.CORES if size == "laptop" else None,
        baseline=CENTRE,
        most_changes=1 if size == "laptop" else 2,
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

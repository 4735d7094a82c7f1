"""Smith 2015: cyclical rates against fixed ones, on CIFAR-10 and CIFAR-100.

    python -m train study configs/study_smith.py --size smoke

For each network a range test finds the bounds. Between them run Smith's policies (triangular,
triangular2, exp_range) and the parabolic and sinusoidal windows. His control falls from the upper
bound to the lower one over one step size, and stays there. Three rates are fixed: the bounds and
their geometric mean. The optimizer is SGD with momentum 0.9, with batch 128. A run has 48 epochs,
and the step size is 4 epochs.

The range test is Smith's linear sweep over several epochs. Its accuracy is that of the training
batches. A run halts only if a number is not finite.

The laptop size has one network on CIFAR-10, that of `configs/laptop.py`, and ten seeds. A run has 6
epochs and a step size of half an epoch, which is the same part of the run. Each policy is also
tuned, by eight values of its highest rate: Smith's range test claims to make that unnecessary.

Not as in the paper: its network for CIFAR-10 was Caffe's small one, with batch 100 and a step size
of 2000 updates, which is 4 epochs. Its networks for CIFAR-100 ran for longer. The decay of
exp_range is the paper's 0.99994 to the power of its 70,000 updates, spread over the run.
"""

import dataclasses
from typing import Any

import cifar10_small
import laptop
import smoke

import log_anneal as la
from train.changes import Changes, changed
from train.halt import Halt
from train.optimizer import OptimizerConfig
from train.study import AS_PRINTED, Claim, Context, RangeTests, Size, Study
from train.study.tune import Range, Tune

NETWORKS: dict[Size, dict[str, Changes]] = {
    "full": {
        "ResNet-20, CIFAR-10": {"dataset": "cifar10", "model.name": "resnet20"},
        "ResNet-110, CIFAR-100": {"dataset": "cifar100", "model.name": "resnet110"},
        "stochastic depth, CIFAR-100": {"dataset": "cifar100", "model.name": "stochastic110"},
        "DenseNet-40, CIFAR-100": {"dataset": "cifar100", "model.name": "densenet40"},
    },
    "laptop": {"ResNet, small": {"model.name": "resnet_small"}},
    "smoke": {
        "ResNet, small": {"model.name": "resnet_small"},
        "stochastic depth, small": {"model.name": "stochastic20", "model.width": 4},
        "DenseNet, small": {"model.name": "densenet_small", "model.width": 4},
    },
}
WINDOWS = {
    "triangular": la.triangular_schedule,
    "triangular2": la.triangular2_schedule,
    "parabolic": la.parabolic_schedule,
    "sinusoidal": la.sinusoidal_schedule,
}
EXP_RANGE, DECAY = "exp_range", "decay"
LOW, MIDDLE, HIGH = "fixed, lower bound", "fixed, middle", "fixed, upper bound"


def get_study(size: Size) -> Study:
    """Returns the study: 48 epochs and 3 seeds.

    The smoke size has 12 epochs and only CIFAR-10, the laptop size 6 epochs and 10 seeds.
    """
    is_laptop = size == "laptop"
    epochs, up_steps = {"smoke": (12, 1), "laptop": (6, laptop.STEPS // 2), "full": (48, 4)}[size]
    in_epoch = laptop.STEPS if is_laptop else 1
    base = changed(
        cifar10_small.get_config(),
        {
            "epochs": epochs,
            "batch_size": 128,
            "optimizer": OptimizerConfig(momentum=0.9, weight_decay=1e-4),
            "cpu_devices": 1,
            "halt": Halt(threshold=None),
            "schedule_unit": "steps" if is_laptop else "epochs",
        },
    )
    few = {"num_train_images": 512, "num_test_images": 512}
    sizes = {"smoke": {**smoke.SMOKE, **few}, "laptop": laptop.LAPTOP, "full": {}}
    base = changed(base, sizes[size])

    def between_bounds(schedule: Any, **arguments: Any) -> Any:
        def change(context: Context) -> Changes:
            low, high = context.bounds
            bounds = {"init_value": low, "peak_value": high}
            return {"schedule": schedule(**bounds, up_steps=up_steps, **arguments)}

        return change

    def fixed(share: float) -> Any:
        def change(context: Context) -> Changes:
            low, high = context.bounds
            return {"schedule": la.constant_schedule(low ** (1 - share) * high**share)}

        return change

    step_decay = 0.99994 ** (70_000 / (epochs * in_epoch))
    exp_range = between_bounds(la.exp_range_schedule, step_decay=step_decay)
    highest = Range(low=0.01, high=1.28, scale="log")
    search = {label: {"schedule.peak_value": highest} for label in (*WINDOWS, EXP_RANGE)}
    search |= {DECAY: {"schedule.init_value": highest}, MIDDLE: {"schedule.value": highest}}
    tuning = Tune(search=search, trials=laptop.TRIALS, method="grid", changes=laptop.TRIAL)
    return Study(
        title="Cyclical learning rates on CIFAR (Smith 2015)",
        description=DESCRIPTION,
        base=base,
        axes={
            "network": NETWORKS[size],
            "schedule": {
                **{label: between_bounds(schedule) for label, schedule in WINDOWS.items()},
                EXP_RANGE: exp_range,
                DECAY: between_bounds(la.clr_decay_schedule),
                **{label: fixed(share) for label, share in ((LOW, 0), (MIDDLE, 0.5), (HIGH, 1))},
            },
        },
        seeds={"smoke": (0, 1), "laptop": laptop.SEEDS, "full": (0, 1, 2)}[size],
        cores=laptop.CORES if is_laptop else None,
        tune=tuning if is_laptop else None,
        baseline={"schedule": MIDDLE},
        claims=[_as_printed(claim) for claim in CLAIMS] if is_laptop else CLAIMS,
        range_tests=RangeTests(
            fallback=(0.01, 0.3),
            min_value=1e-3,
            max_value=1.5,
            num_steps={"smoke": 150, "laptop": laptop.STEPS, "full": 3000}[size],
        ),
    )


DESCRIPTION = """\
Networks learn under Smith's cyclical policies, his control "decay", and fixed rates, between \
the bounds that a range test of each network found: the rate rises linearly over one short run, \
and the bounds are where the accuracy starts to rise and where it turns ragged or falls.

SGD with momentum 0.9 and weight decay 1e-4; flips and crops."""


def _as_printed(claim: Claim) -> Claim:
    """Returns a claim about the bounds of the range test, and not about what a search found."""
    labels = {**claim.arguments["of"], "settings": AS_PRINTED}
    return dataclasses.replace(claim, arguments={**claim.arguments, "of": labels})


def _claim(name: str, text: str, of: str, than: str, **given: Any) -> Claim:
    check = "equivalent" if "margin" in given else "compare"
    labels = {"of": {"schedule": of}, "than": {"schedule": than}}
    return Claim(
        f"s.{name}", "Smith 2015", text, check, {"measure": "final_accuracy"} | labels | given
    )


PARABOLIC = "The parabolic (Welch) window does as well as the triangle."
SINUSOIDAL = "The sinusoidal (Hann) window does as well as the triangle."
CONTROL = "A fall to the lower bound, without cycles, is worse than triangular2."
FASTER = "triangular2 gets to 90 % of the best accuracy sooner than the middle of its range, fixed."
BEATS = "{} ends above the {} of its range as a fixed rate."
FIXED = (("low", "low end", LOW), ("middle", "middle", MIDDLE), ("high", "high end", HIGH))
CLAIMS = [
    _claim("parabolic", PARABOLIC, "parabolic", "triangular", margin=0.5),
    _claim("sinusoidal", SINUSOIDAL, "sinusoidal", "triangular", margin=0.5),
    _claim("decay_control", CONTROL, DECAY, "triangular2", expect="lower"),
    _claim(
        "faster", FASTER, "triangular2", MIDDLE, measure="steps_to", fraction=0.9, expect="lower"
    ),
    *[
        _claim(
            f"{schedule}_beats_{name}",
            BEATS.format(schedule, where),
            schedule,
            fixed,
            expect="higher",
        )
        for schedule in ("triangular2", EXP_RANGE)
        for name, where, fixed in FIXED
    ],
]

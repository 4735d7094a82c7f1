"""Log and cosine annealing under eight solvers, which Naveen 2024 leaves open.

    python -m train study configs/study_solvers.py --size smoke

ResNet-18 learns for 30 epochs in three cycles. Each solver has a peak rate of its own, which its
two schedules share. Weight decay is 5e-4 in the gradient, 0.05 decoupled for AdamW and Muon, 0.1
for Lion and none for L-BFGS. A run halts only if a number is not finite.

L-BFGS cannot use small batches. On a small ResNet it learns the digits, with all training images
but one in each step and without augmentation. Its rate comes from the schedule instead of a line
search. Its numbers can only be compared with each other.

The laptop size has 6 epochs in three cycles of 2, on the network of `configs/laptop.py`, and ten
seeds.
"""

from typing import Any

import cifar10_resnet34_log
import laptop
import smoke

import log_anneal as la
from train.augment import Augment
from train.changes import Changes, changed
from train.halt import Halt
from train.optimizer import OptimizerConfig
from train.preprocess import Preprocess
from train.study import Claim, Context, Size, Study

LOG, COSINE = "log, anchored", "cosine"
PEAKS = {
    "SGD": 0.5,
    "SGD with momentum": 0.1,
    "Adam": 0.005,
    "AdamW": 0.005,
    "Lion": 0.003,
    "sign-SGD": 0.005,
    "Muon": 0.03,
    "L-BFGS": 0.3,
}
"""The highest rate of each solver, chosen by short runs of a small network, and not by a search."""
GREEDIER = {"lion": "Lion", "sign_sgd": "sign-SGD", "muon": "Muon", "lbfgs": "L-BFGS"}
SOLVERS: dict[str, Changes] = {
    "SGD": {"optimizer": OptimizerConfig(momentum=0.0)},
    "SGD with momentum": {"optimizer": OptimizerConfig(momentum=0.9)},
    "Adam": {"optimizer": OptimizerConfig(name="adam")},
    "AdamW": {"optimizer": OptimizerConfig(name="adamw", weight_decay=0.05)},
    "Lion": {"optimizer": OptimizerConfig(name="lion", weight_decay=0.1)},
    "sign-SGD": {"optimizer": OptimizerConfig(name="sign_sgd")},
    "Muon": {"optimizer": OptimizerConfig(name="muon", weight_decay=0.05)},
    "L-BFGS": {
        "optimizer": OptimizerConfig(name="lbfgs", weight_decay=0.0),
        "dataset": "digits",
        "num_train_images": None,
        "num_test_images": None,
        "batch_size": 1436,
        "eval_batch_size": 360,
        "epochs": 60,
        "eval_epochs": 10,
        "checkpoint_epochs": 20,
        "augment": Augment(flip=False, crop_padding=0),
        "preprocess": Preprocess(),
        "model.name": "resnet_small",
        "model.width": 8,
    },
}


def get_study(size: Size) -> Study:
    """Returns the study: 30 epochs and 3 seeds.

    The smoke size has 9 epochs and 2 seeds, the laptop size 6 epochs and 10 seeds.
    """
    epochs = {"smoke": 9, "laptop": laptop.LAPTOP["epochs"], "full": 30}[size]
    base = changed(
        cifar10_resnet34_log.get_config(),
        {
            "model.name": "resnet18",
            "head": "softmax",
            "halt": Halt(threshold=None),
            "epochs": epochs,
        },
    )

    if size != "full":
        base = changed(base, smoke.SMOKE if size == "smoke" else laptop.LAPTOP)

    def cycles(schedule: Any, **arguments: Any) -> Any:
        def change(context: Context) -> Changes:
            solver = context.labels["solver"]
            third = (SOLVERS[solver].get("epochs") or epochs) // 3
            peak = PEAKS[solver]
            rates = {"peak_value": peak, "end_value": peak / 100}
            durations = {"decay_steps": third, "restart_steps": third}
            return {"schedule": schedule(**rates, **durations, **arguments)}

        return change

    return Study(
        title="Log and cosine annealing under eight solvers",
        description=DESCRIPTION,
        base=base,
        axes={
            "solver": SOLVERS,
            "schedule": {
                LOG: cycles(la.cyclical_log_schedule, base=20.0),
                COSINE: cycles(la.cyclical_cosine_schedule),
            },
        },
        seeds={"smoke": (0, 1), "laptop": laptop.SEEDS, "full": (0, 1, 2)}[size],
        cores=laptop.CORES if size == "laptop" else None,
        baseline={"schedule": COSINE},
        claims=[
            Claim(
                f"o.solvers.{name}",
                "Naveen 2024, section 3",
                f"{solver}, greedier than SGD and Adam, pairs nicely with log annealing.",
                "compare",
                {"of": {"schedule": LOG, "solver": solver}, "than": {"schedule": COSINE}}
                | {"measure": "final_loss", "expect": "lower"},
            )
            for name, solver in GREEDIER.items()
        ],
    )


DESCRIPTION = """\
The paper trained with SGD and Adam, and supposes that greedier solvers pair well with log \
annealing, whose high rates are short. Eight solvers learn under log (anchored, base 20) and \
cosine annealing in three equal cycles. Each solver has a peak rate of its own, chosen by short \
runs of a small network, and not tuned.

L-BFGS learns the digits at full batch, 60 steps in all; the others CIFAR-10."""

"""What helps against the spikes of an aggressive restart? Naveen 2024 leaves it open.

    python -m train study configs/study_spikes.py --size smoke

The runs have log annealing whose restarts jump to thirty times the rate at which the run was
stable. One remedy clips the gradient by its global norm. One halts by equation 5, and goes on with
a tenth of the high rate. One does neither.

The laptop size has a tenth of every duration, on the network of `configs/laptop.py`, and ten seeds.
Equation 5 counts from the second epoch.
"""

import cifar10_resnet34_log
import laptop
import smoke

import log_anneal as la
from train.changes import changed
from train.halt import Halt
from train.study import Claim, Size, Study

NEITHER, CLIP, RETRAIN = "neither", "clip by global norm", "halt and retrain"


def get_study(size: Size) -> Study:
    """Returns the study: 60 epochs and 5 seeds.

    The smoke size has 12 epochs and 3 seeds, the laptop size 6 epochs and 10 seeds.
    """
    shrink = 5 if size == "smoke" else 1
    schedule = la.cyclical_log_schedule(
        init_value=1e-4,
        peak_value=0.1,
        end_value=0.001,
        base=20.0,
        warmup_steps=5 // shrink,
        decay_steps=10 // shrink,
        restart_steps=15 // shrink,
        restart_value=3.0,
    )
    shared = {"epochs": 60 // shrink, "head": "softmax", "schedule": schedule}
    base = changed(cifar10_resnet34_log.get_config(), shared)
    if size == "smoke":
        base = changed(base, smoke.SMOKE)
    if size == "laptop":
        base = changed(base, {**laptop.LAPTOP, **laptop.in_steps(schedule, epochs=60)})
    grace = 1 if size == "laptop" else 2
    return Study(
        title="Against the spikes of an aggressive restart",
        description=DESCRIPTION.replace("2 epochs", "1 epoch") if size == "laptop" else DESCRIPTION,
        base=base,
        axes={
            "remedy": {
                NEITHER: {"halt": Halt(threshold=None)},
                CLIP: {"halt": Halt(threshold=None), "optimizer.clip_norm": 1.0},
                RETRAIN: {"halt": Halt(threshold=4.5, grace_epochs=grace)},
            }
        },
        seeds={"smoke": range(3), "laptop": laptop.SEEDS, "full": range(5)}[size],
        cores=laptop.CORES if size == "laptop" else None,
        baseline={"remedy": NEITHER},
        retry={RETRAIN: {"schedule.restart_value": 0.3}},
        claims=[
            Claim(
                "o.clip",
                "Not in the papers",
                "Left open: clipping helps against the spikes of restarts.",
                "compare",
                {"of": {"remedy": CLIP}, "than": {"remedy": NEITHER}}
                | {"measure": "final_accuracy", "expect": "higher"},
            ),
            Claim(
                "o.retrain",
                "Naveen 2024, section 3",
                "Halting at a spike and going on with an adjusted schedule helps.",
                "compare",
                {"of": {"remedy": RETRAIN}, "than": {"remedy": NEITHER}}
                | {"measure": "final_accuracy", "expect": "higher"},
            ),
        ],
    )


DESCRIPTION = """\
The first decay begins at a rate of 0.1, and every restart jumps to 3. One setting clips the \
gradient to a global norm of 1; one halts when, after 2 epochs of grace, the cross-entropy passes \
4.5 (equation 5), and goes on from the last good state with restarts at 0.3; one does neither, and \
stops only where a number is not finite."""

"""What helps against the spikes of an aggressive restart, which Naveen 2024 leaves open.

    python -m train study configs/study_spikes.py

Log annealing whose restarts jump to thirty times the rate that the run was stable at; clipping the
gradient by its global norm, halting by equation 5 and going on with a tenth of that rate, and
neither.
"""

import cifar10_resnet34_log
import smoke

import log_anneal as la
from train.changes import changed
from train.config import Halt
from train.study import Claim, Size, Study

NEITHER, CLIP, RETRAIN = "neither", "clip by global norm", "halt and retrain"


def get_study(size: Size) -> Study:
    """60 epochs and 5 seeds; smoke: 12 epochs and 3 seeds."""
    is_full = size == "full"
    shrink = 1 if is_full else 5
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
    return Study(
        title="Against the spikes of an aggressive restart",
        description=DESCRIPTION,
        base=base if is_full else changed(base, smoke.SMOKE),
        axes={
            "remedy": {
                NEITHER: {"halt": Halt(threshold=None)},
                CLIP: {"halt": Halt(threshold=None), "optimizer.clip_norm": 1.0},
                RETRAIN: {"halt": Halt(threshold=4.5, grace_epochs=2)},
            }
        },
        seeds=range(5) if is_full else range(3),
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

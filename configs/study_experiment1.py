"""Naveen 2024, experiment 1 (figure 2): ResNet-34 on CIFAR-10 under four schedules and none.

    python -m train study configs/study_experiment1.py --size smoke

The runs are those of `configs/cifar10_resnet34_log.py`. They differ along three axes:
- The schedule is log annealing in the paper's form or in the anchored one, cosine annealing on the
  same cycle, step decay, or none. The paper prints no settings of the step decay. Here the rate
  falls to a tenth after each third of the run.
- The cycle is printed or sane. Printed: the first rate is 1e-4 and the warm-up begins at 0.01, so
  that the warm-up goes down and the first decay up. Sane: the warm-up rises from 1e-4 to 0.1. Step
  decay and no schedule start at 1e-4 and at 0.1.
- The head is sigmoid, as printed, or softmax.

Every schedule is also tuned, with the sane cycle and a softmax head. Each gets the same number of
trials over its own fields, which are judged on a tenth of the training images.

The laptop size has a tenth of every duration, on a small ResNet (`configs/laptop.py` says which,
and why there are ten seeds). It leaves out the sane cycle with a sigmoid head, and the printed
cycle with softmax: no claim is about these. The halt counts from the second of its 6 epochs.

Not as printed: the network has 21.3 million parameters, as ResNet-34 has, and not 63.5 million.
"""

from typing import Any

import cifar10_resnet34_log
import laptop
import smoke

import log_anneal as la
from train.changes import Changes, changed
from train.study import Claim, Context, Labels, Size, Study
from train.study.tune import Range, Tune

LOG, ANCHORED, COSINE, STEP, NONE = (
    "log, equation 4",
    "log, anchored",
    "cosine",
    "step",
    "none",
)
SOURCE = "Naveen 2024, section 2.1"
PRINTED, SANE = "printed", "sane"
CYCLES: dict[str, dict[str, float]] = {
    PRINTED: {"init_value": 0.01, "peak_value": 1e-4, "restart_value": 0.1},
    SANE: {"init_value": 1e-4, "peak_value": 0.1, "restart_value": 0.1},
}


def get_study(size: Size) -> Study:
    """Returns the study: 60 epochs and 3 seeds.

    The smoke size has a fifth of each duration. The laptop size has a tenth, and 10 seeds.
    """
    shrink = 5 if size == "smoke" else 1
    base = changed(cifar10_resnet34_log.get_config(), {"epochs": 60 // shrink})
    if size != "full":
        few = {"smoke": smoke.SMOKE, "laptop": {**laptop.LAPTOP, "halt.grace_epochs": 1}}
        base = changed(base, few[size])

    def of_size(schedule: Any) -> Changes:
        is_laptop = size == "laptop"
        return laptop.in_steps(schedule, epochs=60) if is_laptop else {"schedule": schedule}

    def cyclical(schedule: Any, **arguments: Any) -> Any:
        def change(context: Context) -> Changes:
            cycle: dict[str, Any] = CYCLES[context.labels["cycle"]]
            durations = {
                name: value // shrink
                for name, value in {
                    "warmup_steps": 5,
                    "decay_steps": 10,
                    "restart_steps": 10,
                }.items()
            }
            shared = {"end_value": 0.001, "restart_multiplier": 2.0}
            return of_size(schedule(**cycle, **durations, **shared, **arguments))

        return change

    def step(context: Context) -> Changes:
        init_value = CYCLES[context.labels["cycle"]]["peak_value"]
        third = 20 // shrink
        schedule = la.step_decay_schedule(init_value=init_value, decay_steps=third, decay_rate=0.1)
        return of_size(schedule)

    def none(context: Context) -> Changes:
        return of_size(la.constant_schedule(CYCLES[context.labels["cycle"]]["peak_value"]))

    peak = Range(low=0.01, high=1.0, scale="log")
    restarting = {
        "schedule.peak_value": peak,
        "schedule.restart_value": peak,
        "schedule.end_value": Range(low=1e-5, high=5e-3, scale="log"),
    }
    with_base = {**restarting, "schedule.base": Range(low=1.2, high=2000.0, scale="log")}
    return Study(
        title="Experiment 1: schedules for a ResNet on CIFAR-10 (Naveen 2024, figure 2)",
        description=DESCRIPTION.replace("2 epochs", "1 epoch") if size == "laptop" else DESCRIPTION,
        base=base,
        axes={
            "head": {"sigmoid": {"head": "sigmoid"}, "softmax": {"head": "softmax"}},
            "cycle": {PRINTED: {}, SANE: {}},
            "schedule": {
                LOG: cyclical(la.cyclical_log_schedule, form="equation_4"),
                ANCHORED: cyclical(la.cyclical_log_schedule),
                COSINE: cyclical(la.cyclical_cosine_schedule),
                STEP: step,
                NONE: none,
            },
        },
        without=[{"head": "sigmoid", "cycle": SANE}, {"head": "softmax", "cycle": PRINTED}]
        if size == "laptop"
        else (),
        seeds={"smoke": (0, 1), "laptop": laptop.SEEDS, "full": (0, 1, 2)}[size],
        cores=laptop.CORES if size == "laptop" else None,
        baseline={"schedule": COSINE},
        claims=CLAIMS,
        tune=Tune(
            search={
                LOG: with_base,
                ANCHORED: with_base,
                COSINE: restarting,
                STEP: {
                    "schedule.init_value": peak,
                    "schedule.decay_rate": Range(low=0.03, high=0.5, scale="log"),
                },
                NONE: {"schedule.value": Range(low=1e-3, high=0.3, scale="log")},
            },
            within={"head": "softmax", "cycle": SANE},
            changes=laptop.TRIAL if size == "laptop" else {},
            trials={"smoke": 4, "laptop": laptop.TRIALS, "full": 20}[size],
        ),
    )


DESCRIPTION = """\
A ResNet learns CIFAR-10 under log annealing in two forms (equation 4 as the paper prints it, and \
the anchored one, which meets both ends of its range), cosine annealing on the same cycle, step \
decay, and a constant rate.

SGD with momentum 0.9 and weight decay 5e-4; flips and crops; contrast stretching, global contrast \
normalisation, per-pixel mean and ZCA whitening. Printed is the paper's cycle taken literally: its \
warm-up goes down from 0.01 to 1e-4, and its first decay up to 0.001, before the restarts at 0.1. \
Sane warms up from 1e-4 to 0.1. Step decay and no schedule take the rate that the warm-up leads \
to; printed, that is 1e-4, too low to learn much. The last cycle has 40 epochs, of which 15 are \
left (smoke: a fifth of both, laptop: a tenth): the runs end in mid-cycle, as the paper's did. The \
paper's output layer is a sigmoid whose outputs are divided by their sum; softmax is the usual one.

A run halts when, after 2 epochs of grace, its cross-entropy passes 4.5 (equation 5)."""


def _about_log(label: str, said: str, suffix: str, where: Labels) -> list[Claim]:
    of = {"schedule": label, **where}

    def claim(name: str, text: str, check: str, than: str, measure: str, **given: Any) -> Claim:
        arguments = {"of": of, "than": {"schedule": than}, "measure": measure}
        return Claim(f"e1.{name}{suffix}", SOURCE, f"{said} {text}", check, arguments | given)

    same = "and cosine annealing perform roughly the same for most of the training."
    early = "is worse than cosine annealing in the beginning."
    late = "is better than cosine annealing at the end."
    none = "is better than no schedule."
    step = "is better than step-based decay (the paper: similar, and sometimes better)."
    beginning, end = {"start": 0.0, "stop": 0.25}, {"start": 0.9, "stop": 1.0}
    most = {"start": 0.25, "stop": 0.9}
    return [
        claim("equal", same, "equivalent", COSINE, "train_loss", **WITHIN, **most),
        claim("early", early, "compare", COSINE, "train_loss", expect="higher", **beginning),
        claim("late", late, "compare", COSINE, "train_loss", expect="lower", **end),
        claim("beats_none", none, "compare", NONE, "final_loss", expect="lower"),
        claim("beats_step", step, "compare", STEP, "final_loss", expect="lower"),
    ]


WITHIN = {
    "margin": 0.05,
    "because": "The loss begins at ln 10, 2.3 nats, and the paper judges by a curve that falls "
    "from there; 0.05 nats is 2 % of it, about the width of a line.",
}
PAPER = {"head": "sigmoid", "cycle": PRINTED, "settings": "as printed"}
USUAL = {"head": "softmax", "cycle": SANE, "settings": "as printed"}
CLAIMS = [
    *_about_log(LOG, "Log annealing", "", PAPER),
    *_about_log(
        ANCHORED, "Log annealing (anchored, with the sane cycle and softmax)", ".sane", USUAL
    ),
    *_about_log(
        ANCHORED, "Log annealing (the same, tuned)", ".tuned", USUAL | {"settings": "tuned"}
    ),
    Claim(
        "e1.cosine_beats_none",
        SOURCE,
        "Cosine annealing beats no schedule.",
        "compare",
        {"of": {"schedule": COSINE, **PAPER}, "than": {"schedule": NONE}}
        | {"measure": "final_loss", "expect": "lower"},
    ),
    Claim(
        "e1.halt",
        "Naveen 2024, section 3, equation 5",
        "The halt was in place, and was never used.",
        "never_halted",
        {"of": PAPER},
    ),
]

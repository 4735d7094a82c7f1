"""Naveen 2024, experiment 2 (figure 3): a transformer beside five networks, on CIFAR-10.

    python -m train study configs/study_experiment2.py --size smoke

The runs are those of `configs/cifar10_hybrid50_log.py`: Adam, batch 32, 40 epochs, a restart every
10 epochs, no warm-up, softmax. The networks are ResNet-50, GoogLeNet, Xception, VGG-19 and VGG-16,
each with one transformer branch. The schedules are those of experiment 1.

Not as printed:
- Images stay at 32 pixels, and the first layers of the networks suit them. So the VGGs have fewer
  parameters than the paper's 144 and 138 million, which belong to 224 pixels. `changed(base,
  {"model.image_size": 224})` gives those.
- The paper prints no settings for step decay and no schedule. Here the first falls to a tenth after
  each third of the run, and the second stays at 0.001.
- The base of equation 4 would be 1 / 1e-5 by its own rule. Here it is 1000, as in experiment 1.
- The VGGs have batch norm.
- The halt belongs to the paper's experiment 1. Here a run halts only if a number is not finite.

The laptop size has 4 epochs with a restart after each, batch 128, ten seeds, and networks of a few
channels, so that a core makes a run in minutes. The report says how many parameters each has.
"""

from typing import Any

import cifar10_hybrid50_log
import laptop
import smoke
from study_experiment1 import ANCHORED, COSINE, LOG, NONE, STEP, WITHIN

import log_anneal as la
from train.changes import Changes, changed
from train.halt import Halt
from train.models import Transformer
from train.study import Claim, Size, Study

NAMES = ("resnet", "googlenet", "xception", "vgg19", "vgg16")
"""The names of the networks in the claims, in the order of `NETWORKS`."""
NETWORKS: dict[Size, dict[str, Changes]] = {
    "full": {
        "ResNet-50": {"model.name": "hybrid_resnet50"},
        "GoogLeNet": {"model.name": "hybrid_googlenet"},
        "Xception": {"model.name": "hybrid_xception"},
        "VGG-19": {"model.name": "hybrid_vgg19"},
        "VGG-16": {"model.name": "hybrid_vgg16"},
    },
    "laptop": {
        "ResNet, small": {"model.name": "hybrid_resnet_small", "model.width": 16},
        "GoogLeNet, small": {"model.name": "hybrid_googlenet_small", "model.width": 8},
        "Xception, small": {"model.name": "hybrid_xception_small", "model.width": 8},
        "VGG-19, narrow": {"model.name": "hybrid_vgg19", "model.width": 8},
        "VGG-16, narrow": {"model.name": "hybrid_vgg16", "model.width": 8},
    },
    "smoke": {
        "ResNet, small": {"model.name": "hybrid_resnet_small", "model.width": 4},
        "GoogLeNet, small": {"model.name": "hybrid_googlenet_small", "model.width": 4},
        "Xception, small": {"model.name": "hybrid_xception_small", "model.width": 4},
        "VGG-19, narrow": {"model.name": "hybrid_vgg19", "model.width": 4},
        "VGG-16, narrow": {"model.name": "hybrid_vgg16", "model.width": 4},
    },
}


def get_study(size: Size) -> Study:
    """Returns the study: 40 epochs and 3 seeds.

    The smoke size has 8 epochs and 2 seeds, the laptop size 4 epochs and 10 seeds.
    """
    epochs = {"smoke": 8, "laptop": 4, "full": 40}[size]
    base = changed(
        cifar10_hybrid50_log.get_config(), {"epochs": epochs, "halt": Halt(threshold=None)}
    )
    cycle: dict[str, Any] = {"peak_value": 1e-3, "end_value": 1e-5}
    length = epochs * (laptop.STEPS if size == "laptop" else 1)
    cycle |= {"decay_steps": length // 4, "restart_steps": length // 4}
    thirds = la.step_decay_schedule(init_value=1e-3, decay_steps=length // 3, decay_rate=0.1)
    schedules = {
        LOG: la.cyclical_log_schedule(**cycle, base=1000.0, form="equation_4"),
        ANCHORED: la.cyclical_log_schedule(**cycle, base=1000.0),
        COSINE: la.cyclical_cosine_schedule(**cycle),
        STEP: thirds,
        NONE: la.constant_schedule(1e-3),
    }
    small = {"model.transformer": Transformer(patch_size=8, width=48)}
    few = {"num_train_images": 256, "num_test_images": 256, "batch_size": 32}
    in_steps = {"epochs": epochs, "schedule_unit": "steps"}
    if size == "smoke":
        base = changed(base, {**smoke.SMOKE, **small, **few})
    if size == "laptop":
        base = changed(base, {**laptop.LAPTOP, **small, **in_steps})
    return Study(
        title="Experiment 2: a transformer beside five networks (Naveen 2024, figure 3)",
        description=DESCRIPTION.replace("batch 32", f"batch {base.batch_size}"),
        base=base,
        axes={
            "network": NETWORKS[size],
            "schedule": {label: {"schedule": each} for label, each in schedules.items()},
        },
        seeds={"smoke": (0, 1), "laptop": laptop.SEEDS, "full": (0, 1, 2)}[size],
        cores=laptop.CORES if size == "laptop" else None,
        baseline={"schedule": COSINE},
        claims=_claims(*NETWORKS[size]),
    )


DESCRIPTION = """\
Five networks, each with a transformer branch (one block of multi-head attention, mean-pooled, its \
features beside the network's), learn CIFAR-10 under log annealing in two forms, cosine annealing, \
step decay and a constant rate; a restart every quarter of the run, no warm-up.

Adam at 0.001, batch 32, softmax; flips and crops; contrast stretching, global contrast \
normalisation, per-pixel mean and ZCA whitening. The paper prints no rates for this experiment: \
0.001 is Adam's usual one, and each cycle falls to a hundredth of it."""


def _claims(*networks: str) -> list[Claim]:
    source = "Naveen 2024, section 2.2"
    *settling, vgg19, vgg16 = networks
    log, than_cosine = {"of": {"schedule": LOG}}, {"than": {"schedule": COSINE}}
    end = {"measure": "train_loss", "start": 0.9, "stop": 1.0}
    return [
        Claim(
            "e2.first_restart",
            source,
            "Log annealing has a higher loss than cosine annealing at the first restart "
            "(in the epoch after it).",
            "compare",
            log | than_cosine | {"measure": "restart_loss", "which": "first", "expect": "higher"},
        ),
        Claim(
            "e2.later_restarts",
            source,
            "Log annealing has a lower loss than cosine annealing at the later restarts "
            "(in the epochs after them).",
            "compare",
            log | than_cosine | {"measure": "restart_loss", "which": "later", "expect": "lower"},
        ),
        *[
            Claim(
                f"e2.similar_end.{name}",
                source,
                f"With {network}, the ending loss of log and cosine annealing is nearly the same.",
                "equivalent",
                {"of": {"schedule": LOG, "network": network}} | than_cosine | end | WITHIN,
            )
            for name, network in zip(NAMES[:-1], networks[:-1], strict=True)
        ],
        Claim(
            "e2.vgg16_cosine",
            source,
            "With VGG-16, cosine annealing is a clear winner.",
            "compare",
            {"of": {"schedule": LOG, "network": vgg16}} | than_cosine | end | {"expect": "higher"},
        ),
        Claim(
            "e2.anytime",
            "Naveen 2024, section 3",
            "Log annealing has the better convergence at any time, here against cosine annealing.",
            "compare",
            log | than_cosine | {"measure": "area", "expect": "lower"},
        ),
        Claim(
            "e2.beats_none",
            source,
            "On the path to the end, log annealing is better than no schedule.",
            "compare",
            log | {"than": {"schedule": NONE}, "measure": "train_loss", "expect": "lower"},
        ),
        Claim(
            "e2.beats_no_restarts",
            source,
            "On the path to the end, log annealing is better than a schedule without restarts.",
            "compare",
            log | {"than": {"schedule": STEP}, "measure": "train_loss", "expect": "lower"},
        ),
        *[
            Claim(
                f"e2.{name}_unsettled",
                source,
                f"The training loss of {network} does not settle.",
                "settles",
                {"of": {"network": network}, "expect": False},
            )
            for name, network in zip(NAMES[3:], (vgg19, vgg16), strict=True)
        ],
        *[
            Claim(
                f"e2.{name}_settles",
                source,
                f"The training loss of {network} makes steady progress, and settles.",
                "settles",
                {"of": {"network": network}},
            )
            for name, network in zip(NAMES[:3], settling, strict=True)
        ],
    ]

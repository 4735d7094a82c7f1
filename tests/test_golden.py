"""Curves that other people's schedulers made, from their own arguments, by `benchmarks/curves.py`.

Ours is the same at every step, but for those where the scheduler itself is wrong.
"""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from on_device import on_device

from log_anneal import compat

torch_schedule = compat.torch_schedule


def _one_cycle_momentum(**params):
    return torch_schedule("OneCycleLR", **params).momentum()


def _clr_momentum(**params):
    return torch_schedule("CyclicLR", **params | {"base_lr": 0.9, "max_lr": 0.8})


OURS = {
    "author_release": partial(torch_schedule, "CyclicalLogAnnealing"),
    "clr_exp_range": partial(torch_schedule, "CyclicLR"),
    "clr_momentum": _clr_momentum,
    "clr_triangular": partial(torch_schedule, "CyclicLR"),
    "clr_triangular2": partial(torch_schedule, "CyclicLR"),
    "constant": partial(torch_schedule, "ConstantLR"),
    "cosine_annealing": partial(torch_schedule, "CosineAnnealingLR"),
    "cosine_warm_restarts": partial(torch_schedule, "CosineAnnealingWarmRestarts"),
    "cyclic_cosine_decay": partial(torch_schedule, "CyclicCosineDecayLR"),
    "exponential": partial(torch_schedule, "ExponentialLR"),
    "keras_cosine_decay": partial(compat.keras_schedule, "CosineDecay"),
    "keras_restarts": partial(compat.keras_schedule, "CosineDecayRestarts"),
    "linear": partial(torch_schedule, "LinearLR"),
    "multi_step": partial(torch_schedule, "MultiStepLR"),
    "one_cycle": partial(torch_schedule, "OneCycleLR"),
    "one_cycle_momentum": _one_cycle_momentum,
    "polynomial": partial(torch_schedule, "PolynomialLR"),
    "step_decay": partial(torch_schedule, "StepLR"),
    "timm_cosine": partial(compat.timm_schedule, "CosineLRScheduler"),
}

WRONG = {
    # The restart at 1 + 3 + 9 + 27 + 81: the logarithm of 243 to the base 3 comes out below 5, so
    # that the lowest rate of the cycle before it stands where the highest should.
    "cosine_warm_restarts_2": [121],
    "timm_cosine_4": [121],
    # One step past the last, PyTorch continues the last line below it, to a rate below 0.
    "one_cycle_3": [10],
}

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def test_all_curves_are_there():
    assert len(GOLDEN) == 43
    assert {path.stem for path in GOLDEN} >= WRONG.keys()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_is_the_curve_of_the_original(path):
    golden = json.loads(path.read_text())
    schedule = OURS[path.stem.rsplit("_", 1)[0]](**golden["params"])
    steps, wrong = np.arange(len(golden["values"])), WRONG.get(path.stem, [])
    host = np.isclose(schedule.at(steps), golden["values"], rtol=1e-12, atol=0)
    device = np.isclose(on_device(schedule, steps), golden["values"], rtol=1e-6, atol=0)
    assert np.flatnonzero(~host).tolist() == wrong
    assert np.flatnonzero(~device).tolist() == wrong

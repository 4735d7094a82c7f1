"""Curves made by other people's schedulers, from their own parameters."""

import json
from pathlib import Path

import numpy as np
import pytest

import log_anneal as la


def _cyclic_cosine_decay(params):
    return la.cyclical_cosine_schedule(
        peak_value=params["base_lr"],
        end_value=params["min_decay_lr"],
        decay_steps=params["init_decay_epochs"],
        init_value=params.get("warmup_start_lr", 0.0),
        warmup_steps=params.get("warmup_epochs", 0),
        restart_steps=params["restart_interval"],
        restart_multiplier=params.get("restart_interval_multiplier", 1.0),
        restart_value=params.get("restart_lr"),
    )


def _cosine_warm_restarts(params):
    return la.cyclical_cosine_schedule(
        peak_value=params["base_lr"],
        end_value=params["eta_min"],
        decay_steps=params["T_0"],
        restart_steps=params["T_0"] * params["T_mult"],
        restart_multiplier=params["T_mult"],
    )


def _step_decay(params):
    return la.step_decay_schedule(
        init_value=params["base_lr"], decay_steps=params["step_size"], decay_rate=params["gamma"]
    )


OURS = {
    "cyclic_cosine_decay_0": _cyclic_cosine_decay,
    "cyclic_cosine_decay_1": _cyclic_cosine_decay,
    "cyclic_cosine_decay_2": _cyclic_cosine_decay,
    "cosine_warm_restarts_0": _cosine_warm_restarts,
    "cosine_warm_restarts_1": _cosine_warm_restarts,
    "step_decay_0": _step_decay,
}


@pytest.mark.parametrize("name", OURS)
def test_is_the_curve_of_the_original(name):
    golden = json.loads((Path(__file__).parent / "golden" / f"{name}.json").read_text())
    schedule = OURS[name](golden["params"])
    steps = np.arange(len(golden["values"]))
    np.testing.assert_allclose(schedule.at(steps), golden["values"], rtol=1e-12)
    np.testing.assert_allclose(schedule(steps), golden["values"], rtol=1e-6)

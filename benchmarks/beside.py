"""Schedulers run from their first step, beside ours: where they drift, differ or stop."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import peers
import restarts
from peers import Values

from log_anneal import Schedule, compat, shift


class Beside(NamedTuple):
    """A scheduler's run, beside ours."""

    title: str
    package: str | None
    run: Callable[[int], Values]
    schedule: Schedule
    num_steps: int


def _torch(title: str, name: str, num_steps: int, **arguments: Any) -> Beside:
    curve = {key: value for key, value in arguments.items() if key != "is_tensor"}
    return Beside(
        f"torch {name}, {title}",
        "torch",
        lambda count: peers.torch_stepped(name, count, **arguments),
        compat.torch_schedule(name, **curve),
        num_steps,
    )


def _multiplied(title: str, package: str | None, run: Callable[..., Values]) -> Beside:
    return Beside(
        f"{title}, interval 10, multiplier 0.5",
        package,
        lambda count: run(range(count), 10, 0.5),
        restarts.schedule(10, 0.5),
        100,
    )


def _growing(count: int) -> Values:
    return restarts.pytorch_optimizer(range(count), 10, 1.1)


def _resumed(count: int) -> Values:
    return peers.torch_resumed(count, 49, base_lr=1.0, T_0=10, T_mult=2)


WAVE = {"base_lr": 0.1, "eta_min": 0.001}
LINE = {"max_lr": 0.1, "anneal_strategy": "linear"}
LOG = {"min_lr": 0.001, "max_lr": 0.1, "restart_interval": 10, "warmup_epochs": 0}

# fmt: off
CURVES = [
    _torch("T_max 1,000", "CosineAnnealingLR", 2000, T_max=1000, **WAVE),
    _torch("T_max 100,000", "CosineAnnealingLR", 200_000, T_max=100_000, **WAVE),
    _torch("T_max 10,000, rate in float32", "CosineAnnealingLR", 20_000, T_max=10_000,
           is_tensor=True, **WAVE),
    _torch("gamma 0.9999", "ExponentialLR", 50_000, base_lr=0.1, gamma=0.9999),
    _torch("gamma 0.9999, rate in float32", "ExponentialLR", 50_000, base_lr=0.1, gamma=0.9999,
           is_tensor=True),
    _torch("total_iters 100,000", "LinearLR", 100_010, base_lr=0.1, total_iters=100_000),
    _torch("factor 0", "ConstantLR", 20, base_lr=0.1, factor=0.0),
    _torch("total_steps 100, linear", "OneCycleLR", 110, total_steps=100, **LINE),
    _torch("triangular2, step_size_up 1", "CyclicLR", 3000, base_lr=0.001, max_lr=0.1,
           step_size_up=1, mode="triangular2"),
    _torch("T_0 1, T_mult 3, by step()", "CosineAnnealingWarmRestarts", 100_000, T_0=1, T_mult=3,
           **WAVE),
    Beside("torch CosineAnnealingWarmRestarts, T_0 10, T_mult 2, resumed by last_epoch=49", "torch",
           _resumed, shift(restarts.schedule(10, 2), -50), 1000),
    _multiplied("timm CosineLRScheduler", "timm", restarts.timm),
    _multiplied("keras CosineDecayRestarts", "keras", restarts.keras),
    _multiplied("abhuse CyclicCosineDecayLR", None, peers.cyclic_cosine_decay),
    Beside("abhuse CyclicCosineDecayLR, interval 10, multiplier 1.0", None,
           lambda count: peers.cyclic_cosine_decay(range(count), 10, 1.0),
           restarts.schedule(10, 1.0), 100),
    Beside("pytorch_optimizer CosineAnnealingWarmupRestarts, interval 10, multiplier 1.1",
           "pytorch_optimizer", _growing, restarts.schedule(10, 1.1), 1000),
    Beside("Naveen CyclicalLogAnnealing, interval 10, multiplier 1.0", None,
           lambda count: peers.cyclical_log_annealing(range(count), 10, 1.0, 0.001, 0.1),
           compat.torch_schedule("CyclicalLogAnnealing", restart_interval_multiplier=1.0, **LOG),
           1000),
    Beside("Naveen CyclicalLogAnnealing, interval 10, multiplier 2.0", None,
           lambda count: peers.cyclical_log_annealing(range(count), 10, 2.0, 0.001, 0.1),
           compat.torch_schedule("CyclicalLogAnnealing", **LOG), 12_000),
]
# fmt: on


def print_curves() -> None:
    """A table of the steps at which a scheduler's own run differs from ours."""
    print("| curve | steps | that differ | the first | by at most | no number from step |")
    print("|---|---|---|---|---|---|")
    for title, package, run, schedule, num_steps in CURVES:
        if package and not peers.release(package):
            continue
        theirs = run(num_steps)
        expected = np.asarray(schedule.at(np.arange(num_steps)))
        difference = np.abs(theirs - expected) / np.ptp(expected)
        is_number = np.isfinite(theirs)
        differs = np.flatnonzero(difference > 1e-6)
        first = f"{differs[0]:,}" if differs.size else ""
        end = "" if is_number.all() else f"{np.argmin(is_number):,}"
        worst = f"{np.max(difference[is_number], initial=0.0):.1e}"
        print(f"| {title} | {num_steps:,} | {differs.size:,} | {first} | {worst} | {end} |")

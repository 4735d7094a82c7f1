"""The schedulers of `torch.optim.lr_scheduler` that are made of no others."""

from collections.abc import Iterable
from typing import Any, Literal

from log_anneal._compose.time import shift
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.clr import ClrSchedule
from log_anneal._schedules.cyclical_shapes import sgdr_schedule
from log_anneal._schedules.decay import ExponentialSchedule, PolynomialSchedule
from log_anneal._schedules.smith import sinusoidal_schedule
from log_anneal._schedules.stairs import MultiStepSchedule, StepDecaySchedule
from log_anneal._schedules.tabulated import tabulated_schedule
from log_anneal.compat.peer import Peer, Share, named, steps_listed
from log_anneal.compat.torch_lambda import by_lambda, by_product_of_lambda
from log_anneal.compat.torch_one_cycle import one_cycle, one_cycle_momentum

# ruff: noqa: N803 - T_0, T_mult and T_max are PyTorch's names.


def _cosine_annealing_warm_restarts(
    *, base_lr: float, T_0: int, T_mult: float = 1, eta_min: float = 0.0
) -> Schedule:
    with named(restart_multiplier="T_mult"):
        return sgdr_schedule(
            peak_value=base_lr, end_value=eta_min, restart_steps=T_0, restart_multiplier=T_mult
        )


def _cosine_annealing(*, base_lr: float, T_max: int, eta_min: float = 0.0) -> Schedule:
    """Makes a wave, as PyTorch does: after `T_max` the rate rises again."""
    with named(up_steps="T_max", down_steps="T_max"):
        wave = sinusoidal_schedule(init_value=eta_min, peak_value=base_lr, up_steps=T_max)
    return shift(wave, -T_max)


def _step(*, base_lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    with named(decay_rate="gamma"):
        return StepDecaySchedule(init_value=base_lr, decay_steps=step_size, decay_rate=gamma)


def _multi_step(*, base_lr: float, milestones: Iterable[int], gamma: float = 0.1) -> Schedule:
    steps = sorted(steps_listed("milestones", milestones, 0))
    with named(decay_rate="gamma"):
        return MultiStepSchedule(init_value=base_lr, milestones=steps, decay_rate=gamma)


def _exponential(*, base_lr: float, gamma: float) -> Schedule:
    with named(decay_rate="gamma"):
        return ExponentialSchedule(init_value=base_lr, decay_steps=1, decay_rate=gamma)


def _polynomial(*, base_lr: float, total_iters: int = 5, power: float = 1.0) -> Schedule:
    return PolynomialSchedule(
        init_value=base_lr, end_value=0.0, decay_steps=total_iters, power=power
    )


def _linear(
    *,
    base_lr: float,
    start_factor: Share = 1 / 3,
    end_factor: Share = 1.0,
    total_iters: int = 5,
) -> Schedule:
    return PolynomialSchedule(
        init_value=base_lr * start_factor,
        end_value=base_lr * end_factor,
        decay_steps=total_iters,
    )


def _constant(*, base_lr: float, factor: Share = 1 / 3, total_iters: int = 5) -> Schedule:
    return tabulated_schedule([base_lr * factor, base_lr], interval_steps=total_iters)


Mode = Literal["triangular", "triangular2", "exp_range"]


def _cyclic(
    *,
    base_lr: float,
    max_lr: float,
    step_size_up: int = 2000,
    step_size_down: int | None = None,
    mode: Mode = "triangular",
    gamma: float = 1.0,
) -> Schedule:
    with named(up_steps="step_size_up", down_steps="step_size_down", step_decay="gamma"):
        return ClrSchedule(
            init_value=base_lr,
            peak_value=max_lr,
            up_steps=step_size_up,
            down_steps=step_size_down,
            cycle_decay=0.5 if mode == "triangular2" else 1.0,
            step_decay=gamma if mode == "exp_range" else 1.0,
        )


def _cyclic_momentum(
    *,
    step_size_up: int = 2000,
    step_size_down: int | None = None,
    mode: Mode = "triangular",
    gamma: float = 1.0,
    base_momentum: float = 0.8,
    max_momentum: float = 0.9,
) -> Schedule:
    return _cyclic(
        base_lr=max_momentum,
        max_lr=base_momentum,
        step_size_up=step_size_up,
        step_size_down=step_size_down,
        mode=mode,
        gamma=gamma,
    )


ANY: dict[str, tuple[Any, str]] = {
    "optimizer": (None, "A schedule has no optimizer: give `base_lr`, the rate that it has."),
    "last_epoch": (-1, "A schedule has no state: ask it about the step, `schedule(step)`."),
    "verbose": (False, "Print `schedule.at(step)`."),
}

_SCALE: dict[str, tuple[Any, str]] = {
    "scale_fn": (
        None,
        "Build the triangle with `base_lr=0.0` and `max_lr=max_lr - base_lr`, and take "
        "`base_lr + triangle * f` with a function `f` of the step.",
    ),
}

_SCALE_MODE = {"scale_mode": Literal["cycle", "iterations"]}

_MOMENTUM = {"cycle_momentum": bool, "base_momentum": float, "max_momentum": float}
"""They change the momentum alone; `torch_momentum` takes the same arguments."""

_NO_MOMENTUM: dict[str, tuple[Any, str]] = {
    "cycle_momentum": (True, "Without a cycle the momentum is the number that the optimizer has."),
}

SIMPLE = {
    "ConstantLR": Peer(_constant, ANY),
    "CosineAnnealingLR": Peer(_cosine_annealing, ANY),
    "CosineAnnealingWarmRestarts": Peer(_cosine_annealing_warm_restarts, ANY),
    "CyclicLR": Peer(_cyclic, ANY | _SCALE, _SCALE_MODE | _MOMENTUM),
    "ExponentialLR": Peer(_exponential, ANY),
    "LambdaLR": Peer(by_lambda, ANY),
    "LinearLR": Peer(_linear, ANY),
    "MultiStepLR": Peer(_multi_step, ANY),
    "MultiplicativeLR": Peer(by_product_of_lambda, ANY),
    "OneCycleLR": Peer(one_cycle, ANY, _MOMENTUM),
    "PolynomialLR": Peer(_polynomial, ANY),
    "StepLR": Peer(_step, ANY),
}
"""Those that are made of no others."""

TORCH_MOMENTUM = {
    "CyclicLR": Peer(
        _cyclic_momentum,
        ANY | _SCALE | _NO_MOMENTUM,
        _SCALE_MODE | {"base_lr": float, "max_lr": float},
    ),
    "OneCycleLR": Peer(
        one_cycle_momentum,
        ANY | _NO_MOMENTUM,
        {"max_lr": float, "div_factor": float, "final_div_factor": float},
    ),
}
"""The schedulers that move the momentum too, and what that does."""

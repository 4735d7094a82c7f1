"""The schedulers of `torch.optim.lr_scheduler`, with their arguments and defaults."""

from collections.abc import Iterable
from typing import Any, Literal

from log_anneal._compose.time import shift
from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.clr import ClrSchedule
from log_anneal._schedules.cyclical_shapes import sgdr_schedule
from log_anneal._schedules.decay import ExponentialSchedule, PolynomialSchedule
from log_anneal._schedules.one_cycle import OneCycleSchedule
from log_anneal._schedules.smith import sinusoidal_schedule
from log_anneal._schedules.stairs import MultiStepSchedule, StepDecaySchedule
from log_anneal._schedules.tabulated import tabulated_schedule
from log_anneal.compat.peer import Peer, above

# ruff: noqa: N803 - T_0, T_mult and T_max are PyTorch's names.


def _cosine_annealing_warm_restarts(
    *, base_lr: float, T_0: int, T_mult: float = 1, eta_min: float = 0.0
) -> Schedule:
    return sgdr_schedule(
        peak_value=base_lr, end_value=eta_min, restart_steps=T_0, restart_multiplier=T_mult
    )


def _cosine_annealing(*, base_lr: float, T_max: int, eta_min: float = 0.0) -> Schedule:
    """Makes a wave, as PyTorch does: after `T_max` the rate rises again."""
    wave = sinusoidal_schedule(init_value=eta_min, peak_value=base_lr, up_steps=T_max)
    return shift(wave, -T_max)


def _step(*, base_lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    _falling("gamma", gamma, 1e-30)
    return StepDecaySchedule(init_value=base_lr, decay_steps=step_size, decay_rate=gamma)


def _multi_step(*, base_lr: float, milestones: Iterable[int], gamma: float = 0.1) -> Schedule:
    _falling("gamma", gamma, 1e-30)
    if not isinstance(milestones, Iterable):
        raise ValueError(f"`milestones` must be a list of steps, got {milestones!r}. Give a list.")
    steps = [check.steps("milestones", step, 0) for step in milestones]
    return MultiStepSchedule(init_value=base_lr, milestones=sorted(steps), decay_rate=gamma)


def _exponential(*, base_lr: float, gamma: float) -> Schedule:
    _falling("gamma", gamma, 1e-30)
    return ExponentialSchedule(init_value=base_lr, decay_steps=1, decay_rate=gamma)


def _polynomial(*, base_lr: float, total_iters: int = 5, power: float = 1.0) -> Schedule:
    return PolynomialSchedule(
        init_value=base_lr, end_value=0.0, decay_steps=total_iters, power=power
    )


def _linear(
    *,
    base_lr: float,
    start_factor: float = 1 / 3,
    end_factor: float = 1.0,
    total_iters: int = 5,
) -> Schedule:
    return PolynomialSchedule(
        init_value=base_lr * start_factor,
        end_value=base_lr * end_factor,
        decay_steps=total_iters,
    )


def _constant(*, base_lr: float, factor: float = 1 / 3, total_iters: int = 5) -> Schedule:
    return tabulated_schedule([base_lr * factor, base_lr], interval_steps=total_iters)


def _cyclic(
    *,
    base_lr: float,
    max_lr: float,
    step_size_up: int = 2000,
    step_size_down: int | None = None,
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
    gamma: float = 1.0,
) -> Schedule:
    _falling("gamma", gamma, 1e-6)
    return ClrSchedule(
        init_value=base_lr,
        peak_value=max_lr,
        up_steps=step_size_up,
        down_steps=step_size_down,
        cycle_decay=0.5 if mode == "triangular2" else 1.0,
        step_decay=gamma if mode == "exp_range" else 1.0,
    )


def _one_cycle(
    *,
    max_lr: float,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: Literal["cos", "linear"] = "cos",
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> Schedule:
    """Ends the phases where PyTorch does, at `pct_start * total_steps - 1`, whole or not."""
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            raise ValueError(
                "`total_steps` must be given, or `epochs` and `steps_per_epoch`, got none of them. "
                "Give `total_steps`."
            )
        total_steps = epochs * steps_per_epoch
    above("div_factor", div_factor, 0, "PyTorch takes 25.")
    above("final_div_factor", final_div_factor, 0, "PyTorch takes 1e4.")
    share = check.simplest_fraction(float(pct_start)) * total_steps
    most = (total_steps + 1) / 2 if three_phase else total_steps
    if not 1 < share < most:
        raise ValueError(
            f"`pct_start` must be above {1 / total_steps:.7g} and below {most / total_steps:.7g}, "
            f"so that every phase has steps, got {pct_start}. PyTorch takes 0.3."
        )
    init_value = max_lr / div_factor
    return OneCycleSchedule(
        peak_value=max_lr,
        warmup_steps=float(share - 1),
        decay_steps=float(share - 1) if three_phase else float(total_steps - share),
        final_steps=float(total_steps + 1 - 2 * share) if three_phase else None,
        init_value=init_value,
        end_value=init_value / final_div_factor,
        shape="cosine" if anneal_strategy == "cos" else "linear",
    )


def _falling(name: str, value: float, least: float) -> None:
    check.within(name, value, least, 1, "1 keeps the rate; for a rise, use `polynomial_schedule`.")


_ANY: dict[str, tuple[Any, str]] = {
    "optimizer": (None, "A schedule has no optimizer: give `base_lr`, the rate that it has."),
    "last_epoch": (-1, "A schedule has no state: ask it about the step, `schedule(step)`."),
    "verbose": (False, "Print `schedule.at(step)`."),
}

_CYCLIC_MOMENTUM = (
    "For the momentum, build another with `base_lr=max_momentum` and `max_lr=base_momentum`."
)

_CYCLIC: dict[str, tuple[Any, str]] = {
    "scale_fn": (None, "Take `init + swing * f`, with a function `f` of the step."),
    "cycle_momentum": (False, _CYCLIC_MOMENTUM),
    "base_momentum": (None, _CYCLIC_MOMENTUM),
    "max_momentum": (None, _CYCLIC_MOMENTUM),
}

_ONE_CYCLE_MOMENTUM = "For the momentum, take `schedule.momentum(base_momentum, max_momentum)`."

_ONE_CYCLE: dict[str, tuple[Any, str]] = {
    "cycle_momentum": (False, _ONE_CYCLE_MOMENTUM),
    "base_momentum": (None, _ONE_CYCLE_MOMENTUM),
    "max_momentum": (None, _ONE_CYCLE_MOMENTUM),
}

TORCH = {
    "ConstantLR": Peer(_constant, _ANY),
    "CosineAnnealingLR": Peer(_cosine_annealing, _ANY),
    "CosineAnnealingWarmRestarts": Peer(_cosine_annealing_warm_restarts, _ANY),
    "CyclicLR": Peer(_cyclic, _ANY | _CYCLIC, ("scale_mode",)),
    "ExponentialLR": Peer(_exponential, _ANY),
    "LinearLR": Peer(_linear, _ANY),
    "MultiStepLR": Peer(_multi_step, _ANY),
    "OneCycleLR": Peer(_one_cycle, _ANY | _ONE_CYCLE),
    "PolynomialLR": Peer(_polynomial, _ANY),
    "StepLR": Peer(_step, _ANY),
}

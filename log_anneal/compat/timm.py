"""The schedulers of `timm.scheduler`, with their arguments and defaults."""

from collections.abc import Sequence
from typing import Annotated, Any

from log_anneal._compose.chain import chain
from log_anneal._compose.time import shift
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.cyclical import CyclicalBase
from log_anneal._schedules.cyclical_shapes import CyclicalCosineSchedule, CyclicalPolynomialSchedule
from log_anneal._schedules.decay import PolynomialSchedule
from log_anneal._schedules.stairs import MultiStepSchedule, StepDecaySchedule
from log_anneal.compat.cyclical_curves import (
    CyclicalCosinePowerSchedule,
    CyclicalPolynomialPowerSchedule,
    CyclicalTanhSchedule,
)
from log_anneal.compat.peer import Between, Peer, Whole, named, steps_listed
from log_anneal.compat.timm_wsd import warmup_stable_decay

_Tangent = Annotated[float, Between(-1e4, 1e4, "timm takes -7 and 3.")]


def _cosine(
    *,
    base_lr: float,
    t_initial: int,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: Whole = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = False,
    k_decay: float = 1.0,
) -> Schedule:
    cycle = _cycle(base_lr, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
    with named(**_NAMES, k="k_decay"):
        cycles = (
            CyclicalCosineSchedule(**cycle)
            if k_decay == 1
            else CyclicalCosinePowerSchedule(**cycle, k=k_decay)
        )
    return _warmed_up(cycles, base_lr, warmup_t, warmup_lr_init, warmup_prefix)


def _polynomial(
    *,
    base_lr: float,
    t_initial: int,
    power: float = 0.5,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: Whole = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = False,
    k_decay: float = 1.0,
) -> Schedule:
    cycle = _cycle(base_lr, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
    with named(**_NAMES, k="k_decay"):
        cycles = (
            CyclicalPolynomialSchedule(**cycle, power=power)
            if k_decay == 1
            else CyclicalPolynomialPowerSchedule(**cycle, power=power, k=k_decay)
        )
    return _warmed_up(cycles, base_lr, warmup_t, warmup_lr_init, warmup_prefix)


def _tanh(
    *,
    base_lr: float,
    t_initial: int,
    lb: _Tangent = -7.0,
    ub: _Tangent = 3.0,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: Whole = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = False,
) -> Schedule:
    """Without a prefix, warms up to what the tangent has come to where the warm-up ends."""
    if not lb < ub:
        raise ValueError(f"`lb` must be below `ub` ({ub}), got {lb}. timm takes -7 and 3.")
    cycle = _cycle(base_lr, t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
    with named(**_NAMES):
        cycles = CyclicalTanhSchedule(**cycle, lower=lb, upper=ub)
    peak = base_lr if warmup_prefix else cycles.at(warmup_t)
    return _warmed_up(cycles, peak, warmup_t, warmup_lr_init, warmup_prefix)


def _step(
    *,
    base_lr: float,
    decay_t: int,
    decay_rate: float = 1.0,
    warmup_t: Whole = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = True,
) -> Schedule:
    stairs = StepDecaySchedule(init_value=base_lr, decay_steps=decay_t, decay_rate=decay_rate)
    return _warmed_up(stairs, base_lr, warmup_t, warmup_lr_init, warmup_prefix)


def _multi_step(
    *,
    base_lr: float,
    decay_t: Sequence[int],
    decay_rate: float = 1.0,
    warmup_t: Whole = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = True,
) -> Schedule:
    """Falls one step before each milestone, as timm does, and PyTorch does not."""
    steps = sorted(steps_listed("decay_t", decay_t, 0))
    stairs = MultiStepSchedule(
        init_value=base_lr,
        milestones=[max(step - 1, 0) for step in steps],
        decay_rate=decay_rate,
    )
    return _warmed_up(stairs, base_lr, warmup_t, warmup_lr_init, warmup_prefix)


_NAMES = {
    "num_restarts": "cycle_limit",
    "restart_decay": "cycle_decay",
    "restart_multiplier": "cycle_mul",
    "restart_steps": "t_initial",
}


def _cycle(
    base_lr: float,
    t_initial: int,
    lr_min: float,
    cycle_mul: float,
    cycle_decay: float,
    cycle_limit: int,
) -> dict[str, Any]:
    return {
        "peak_value": base_lr,
        "end_value": lr_min,
        "decay_steps": 0,
        "restart_steps": t_initial,
        "restart_multiplier": cycle_mul,
        "restart_decay": None if cycle_decay == 1 else cycle_decay,
        "num_restarts": cycle_limit,
    }


def _warmed_up(
    schedule: Schedule, peak: float, warmup_t: int, warmup_lr_init: float, warmup_prefix: bool
) -> Schedule:
    """Puts a straight rise before a schedule, or in the place of its first steps."""
    if not warmup_t:
        return schedule
    if warmup_prefix and isinstance(schedule, CyclicalBase):
        return schedule.replace(
            init_value=warmup_lr_init, warmup_steps=warmup_t, warmup_shape="linear"
        )
    rise = PolynomialSchedule(init_value=warmup_lr_init, end_value=peak, decay_steps=warmup_t)
    return chain([rise, schedule if warmup_prefix else shift(schedule, -warmup_t)])


_REFUSED: dict[str, tuple[Any, str]] = {
    "optimizer": (None, "A schedule has no optimizer: give `base_lr`, the rate that it has."),
    "noise_range_t": (None, "A schedule is a function of the step: it has no noise."),
}

_IGNORED = {
    "t_in_epochs": bool,
    "noise_pct": float,
    "noise_std": float,
    "noise_seed": Whole,
    "initialize": bool,
}

TIMM = {
    "CosineLRScheduler": Peer(_cosine, _REFUSED, _IGNORED),
    "MultiStepLRScheduler": Peer(_multi_step, _REFUSED, _IGNORED),
    "PolyLRScheduler": Peer(_polynomial, _REFUSED, _IGNORED),
    "StepLRScheduler": Peer(_step, _REFUSED, _IGNORED),
    "TanhLRScheduler": Peer(_tanh, _REFUSED, _IGNORED),
    "WSDLRScheduler": Peer(warmup_stable_decay, _REFUSED, _IGNORED),
}

"""The schedules of transformers: by the names of `get_scheduler`, and by those of the functions."""

import math
from dataclasses import replace
from typing import Annotated, Any

from log_anneal._compose.time import shift
from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.constant import ConstantSchedule
from log_anneal._schedules.cyclical_shapes import CyclicalCosineSchedule
from log_anneal._schedules.decay import InverseSqrtSchedule, PolynomialSchedule
from log_anneal._schedules.tabulated import TabulatedSchedule
from log_anneal.compat.curves import CosineWavesSchedule
from log_anneal.compat.joined import joined, line
from log_anneal.compat.peer import Between, Peer, Share, Whole
from log_anneal.compat.transformers_wsd import warmup_stable_decay

_Cycles = Annotated[float, Between(0, 1e6, "Take 0.5 for one fall.")]


def _constant(*, base_lr: float) -> Schedule:
    return ConstantSchedule(value=base_lr)


def _constant_with_warmup(*, base_lr: float, num_warmup_steps: Whole) -> Schedule:
    return _warmed_up(base_lr, num_warmup_steps, ConstantSchedule(value=base_lr))


def _linear(*, base_lr: float, num_warmup_steps: Whole, num_training_steps: int) -> Schedule:
    steps = _decay_steps(num_warmup_steps, num_training_steps)
    return _warmed_up(base_lr, num_warmup_steps, line(base_lr, 0.0, steps))


def _cosine(
    *,
    base_lr: float,
    num_warmup_steps: Whole,
    num_training_steps: int,
    num_cycles: _Cycles = 0.5,
) -> Schedule:
    """Goes on after `num_training_steps` as a wave, which rises again, as transformers does."""
    steps = _decay_steps(num_warmup_steps, num_training_steps)
    wave = CosineWavesSchedule(peak_value=base_lr, decay_steps=steps, num_cycles=num_cycles)
    return _warmed_up(base_lr, num_warmup_steps, wave)


def _hard_restarts(
    *,
    base_lr: float,
    num_warmup_steps: Whole,
    num_training_steps: int,
    num_cycles: _Cycles = 1,
) -> Schedule:
    """Takes a table where the cycles have no whole number of steps."""
    steps = _decay_steps(num_warmup_steps, num_training_steps)
    cycles = check.simplest_fraction(float(num_cycles))
    length = steps / cycles if cycles else None
    if length is not None and length.denominator == cycles.denominator == 1:
        falls: Schedule = CyclicalCosineSchedule(
            peak_value=base_lr,
            end_value=0.0,
            decay_steps=int(length),
            restart_steps=int(length) if cycles > 1 else None,
            num_restarts=int(cycles) - 1 if cycles > 1 else None,
        )
    else:
        progress = [float(cycles * step / steps % 1) for step in range(steps)]
        values = [base_lr * (1 + math.cos(math.pi * each)) / 2 for each in progress]
        falls = TabulatedSchedule(values=[*values, 0.0])
    return _warmed_up(base_lr, num_warmup_steps, falls)


def _polynomial(
    *,
    base_lr: float,
    num_warmup_steps: Whole,
    num_training_steps: int,
    lr_end: float = 1e-7,
    power: float = 1.0,
) -> Schedule:
    steps = _decay_steps(num_warmup_steps, num_training_steps)
    if not lr_end < base_lr:
        raise ValueError(
            f"`lr_end` must be below `base_lr` ({base_lr}), got {lr_end}. Take 0.0, for example."
        )
    fall = PolynomialSchedule(init_value=base_lr, end_value=lr_end, decay_steps=steps, power=power)
    return _warmed_up(base_lr, num_warmup_steps, fall)


def _inverse_sqrt(
    *, base_lr: float, num_warmup_steps: Whole, timescale: int | None = None
) -> Schedule:
    return InverseSqrtSchedule(
        peak_value=base_lr,
        warmup_steps=num_warmup_steps,
        timescale_steps=timescale or num_warmup_steps or 10_000,
    )


def _cosine_with_min_lr(
    *,
    base_lr: float,
    num_warmup_steps: Whole,
    num_training_steps: int,
    num_cycles: _Cycles = 0.5,
    min_lr: float | None = None,
    min_lr_rate: Share | None = None,
) -> Schedule:
    steps = _decay_steps(num_warmup_steps, num_training_steps)
    wave = CosineWavesSchedule(
        peak_value=base_lr,
        end_value=_lowest(base_lr, min_lr, min_lr_rate),
        decay_steps=steps,
        num_cycles=num_cycles,
    )
    return _warmed_up(base_lr, num_warmup_steps, wave)


def _cosine_with_min_lr_and_warmup_rate(
    *,
    base_lr: float,
    num_warmup_steps: Whole,
    num_training_steps: int,
    num_cycles: _Cycles = 0.5,
    min_lr: float | None = None,
    min_lr_rate: Share | None = None,
    warmup_lr_rate: Share | None = None,
) -> Schedule:
    """Is a step ahead: the last step of the warm-up has the peak, and the wave begins after it."""
    steps = _decay_steps(num_warmup_steps, num_training_steps)
    wave = CosineWavesSchedule(
        peak_value=base_lr,
        end_value=_lowest(base_lr, min_lr, min_lr_rate),
        decay_steps=steps,
        num_cycles=num_cycles,
    )
    rising = max(num_warmup_steps - 1, 1)
    first = 1 / max(num_warmup_steps, 1) if warmup_lr_rate is None else warmup_lr_rate
    rise = line(base_lr * first, base_lr, rising)
    return joined([(rise, num_warmup_steps)], shift(wave, -1))


def _decay_steps(num_warmup_steps: int, num_training_steps: int) -> int:
    if not num_warmup_steps < num_training_steps:
        raise ValueError(
            f"`num_training_steps` must be above `num_warmup_steps` ({num_warmup_steps}), which it "
            f"counts in, got {num_training_steps}. Take more steps, or a shorter warm-up."
        )
    return num_training_steps - num_warmup_steps


def _lowest(base_lr: float, min_lr: float | None, min_lr_rate: float | None) -> float:
    if min_lr is not None and min_lr_rate is None:
        return min_lr
    if min_lr is not None or min_lr_rate is None:
        raise ValueError(
            f"`min_lr` must be given, or `min_lr_rate`, and not both, got {min_lr} and "
            f"{min_lr_rate}. Take `min_lr=0.0` for a fall to zero."
        )
    return base_lr * min_lr_rate


def _warmed_up(base_lr: float, num_warmup_steps: int, schedule: Schedule) -> Schedule:
    return joined([(line(0.0, base_lr, num_warmup_steps), num_warmup_steps)], schedule)


_REFUSED: dict[str, tuple[Any, str]] = {
    "optimizer": (None, "A schedule has no optimizer: give `base_lr`, the rate that it has."),
    "last_epoch": (-1, "A schedule has no state: ask it about the step, `schedule(step)`."),
}

_FUNCTIONS = {
    "get_constant_schedule": Peer(_constant, _REFUSED),
    "get_constant_schedule_with_warmup": Peer(_constant_with_warmup, _REFUSED),
    "get_cosine_schedule_with_warmup": Peer(_cosine, _REFUSED),
    "get_cosine_with_hard_restarts_schedule_with_warmup": Peer(_hard_restarts, _REFUSED),
    "get_cosine_with_min_lr_schedule_with_warmup": Peer(_cosine_with_min_lr, _REFUSED),
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": Peer(
        _cosine_with_min_lr_and_warmup_rate, _REFUSED
    ),
    "get_inverse_sqrt_schedule": Peer(_inverse_sqrt, _REFUSED),
    "get_linear_schedule_with_warmup": Peer(_linear, _REFUSED),
    "get_polynomial_decay_schedule_with_warmup": Peer(_polynomial, _REFUSED),
    "get_wsd_schedule": Peer(warmup_stable_decay, _REFUSED),
}

GET_SCHEDULER = {
    "constant": "get_constant_schedule",
    "constant_with_warmup": "get_constant_schedule_with_warmup",
    "cosine": "get_cosine_schedule_with_warmup",
    "cosine_warmup_with_min_lr": "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
    "cosine_with_min_lr": "get_cosine_with_min_lr_schedule_with_warmup",
    "cosine_with_restarts": "get_cosine_with_hard_restarts_schedule_with_warmup",
    "inverse_sqrt": "get_inverse_sqrt_schedule",
    "linear": "get_linear_schedule_with_warmup",
    "polynomial": "get_polynomial_decay_schedule_with_warmup",
    "warmup_stable_decay": "get_wsd_schedule",
}
"""What `get_scheduler` calls, by the name that it takes."""


def _of_get_scheduler(peer: Peer) -> Peer:
    """Takes the two arguments that `get_scheduler` has for all, and gives to some."""
    both = {"num_warmup_steps": Whole, "num_training_steps": Whole}
    return replace(
        peer, ignored={name: kind for name, kind in both.items() if name not in peer.known}
    )


TRANSFORMERS = _FUNCTIONS | {
    name: _of_get_scheduler(_FUNCTIONS[function]) for name, function in GET_SCHEDULER.items()
}

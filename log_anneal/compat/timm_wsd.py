"""timm's WSDLRScheduler: a warm-up, a plateau that may fall, and a last decay of many shapes."""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

from log_anneal._compose.arithmetic import maximum
from log_anneal._compose.chain import chain
from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.constant import ConstantSchedule
from log_anneal._schedules.tabulated import TabulatedSchedule
from log_anneal._schedules.warmup_stable_decay import WarmupStableDecaySchedule
from log_anneal.compat.curves import InverseTimeSchedule
from log_anneal.compat.joined import joined, line
from log_anneal.compat.peer import Between, Whole, above, checked, named

DecayWord = Literal["linear", "1-sqrt", "cosine", "power", "exp"]


def warmup_stable_decay(
    *,
    base_lr: float,
    t_initial: int,
    decay_t: int,
    lr_min: float = 0.0,
    stable_fn: Literal["constant", "rsqrt", "power"] = "constant",
    stable_timescale: float | None = None,
    stable_power: Annotated[float, Between(0.01, 100, "timm takes 0.5.")] = 0.5,
    decay_fn: Any = "1-sqrt",
    decay_power: Annotated[float, Between(1e-6, 1e6, "timm takes 0.5.")] = 0.5,
    decay_ratio: Annotated[float, Between(1e-30, 1 - 1e-9, "timm takes 0.1.")] = 0.1,
    warmup_t: Whole = 0,
    warmup_lr_init: float = 0.0,
) -> Schedule:
    """Multiplies what the plateau has above `lr_min` by the decay."""
    if not decay_t <= t_initial:
        raise ValueError(
            f"`decay_t` must be at most `t_initial` ({t_initial}), got {decay_t}. The decay is the "
            "last part of it: take less."
        )
    if not callable(decay_fn):
        checked("decay_fn", DecayWord, decay_fn)
    if not lr_min <= base_lr:
        raise ValueError(
            f"`lr_min` must be at most `base_lr` ({base_lr}), got {lr_min}. The plateau lies above "
            "the end."
        )
    stable_t = t_initial - decay_t
    if stable_fn == "constant" and decay_fn in ("linear", "1-sqrt", "cosine"):
        return WarmupStableDecaySchedule(
            peak_value=base_lr,
            stable_steps=stable_t,
            decay_steps=decay_t,
            init_value=warmup_lr_init,
            warmup_steps=warmup_t,
            end_value=lr_min,
            cooldown=decay_fn,
        )
    after: Any = _plateau(base_lr, stable_fn, stable_timescale, stable_power, warmup_t)
    if stable_fn != "constant" and lr_min:
        after = maximum(after, lr_min)
    factors = _factors(decay_fn, decay_t, decay_power, decay_ratio)
    after = after * _from(stable_t, factors)
    if lr_min:
        after = after + lr_min * _from(stable_t, [1 - factor for factor in factors])
    return joined([(line(warmup_lr_init, base_lr, warmup_t), warmup_t)], after)


def _plateau(
    base_lr: float, stable_fn: str, timescale: float | None, power: float, warmup_t: int
) -> Schedule:
    if stable_fn == "constant":
        return ConstantSchedule(value=base_lr)
    if timescale is None:
        timescale = float(warmup_t)
    above(
        "stable_timescale",
        timescale,
        0,
        "timm takes `warmup_t`: give one where there is no warm-up.",
    )
    with named(power="stable_power", decay_rate="stable_timescale"):
        return InverseTimeSchedule(
            init_value=base_lr,
            decay_steps=1,
            decay_rate=1 / timescale,
            power=0.5 if stable_fn == "rsqrt" else power,
        )


def _from(stable_t: int, factors: list[float]) -> Schedule:
    """Holds the first factor through the plateau; then goes from one to the next."""
    table = TabulatedSchedule(values=factors)
    return chain([(factors[0], stable_t), table]) if stable_t else table


def _factors(decay_fn: Any, decay_t: int, power: float, ratio: float) -> list[float]:
    """Returns the decay at each of its steps. A function of the user's may be any Python."""
    named_functions: dict[str, Callable[[float], float]] = {
        "linear": lambda share: 1 - share,
        "1-sqrt": lambda share: 1 - math.sqrt(share),
        "cosine": lambda share: (1 + math.cos(math.pi * share)) / 2,
        "power": lambda share: 1 - share**power,
        "exp": lambda share: (ratio**share - ratio) / (1 - ratio),
    }
    function = decay_fn if callable(decay_fn) else named_functions[decay_fn]
    factors = [1.0]
    for step in range(1, decay_t + 1):
        factor = check.plain(function(step / decay_t))
        if not isinstance(factor, (int, float)) or not 0 <= factor <= 1:
            raise ValueError(
                f"`decay_fn` must give a factor from 0 to 1, got {factor!r} for {step / decay_t}. "
                "Let it fall from 1 to 0."
            )
        factors.append(float(factor))
    return factors

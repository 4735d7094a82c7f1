"""The schedules of Optax, with their arguments and defaults, as schedules that are data."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from log_anneal._compose.arithmetic import maximum, minimum
from log_anneal._compose.function import as_schedule
from log_anneal._compose.time import shift
from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.constant import ConstantSchedule
from log_anneal._schedules.cyclical_shapes import CyclicalCosineSchedule
from log_anneal._schedules.decay import ExponentialSchedule, PolynomialSchedule
from log_anneal._schedules.stairs import StepDecaySchedule
from log_anneal.compat.cyclical_curves import CyclicalCosinePowerSchedule
from log_anneal.compat.joined import joined, line
from log_anneal.compat.optax_pieces import (
    cosine_onecycle,
    linear_onecycle,
    piecewise_constant,
    piecewise_interpolate,
)
from log_anneal.compat.peer import AnyInt, Peer, Share, Whole, build, listed, steps_listed


def _constant(*, value: float) -> Schedule:
    return ConstantSchedule(value=value)


def _polynomial(
    *,
    init_value: float,
    end_value: float,
    power: float,
    transition_steps: AnyInt,
    transition_begin: AnyInt = 0,
) -> Schedule:
    """Holds `init_value` where `transition_steps` is 0 or less, as Optax does."""
    if transition_steps <= 0:
        return ConstantSchedule(value=init_value)
    fall = PolynomialSchedule(
        init_value=init_value, end_value=end_value, decay_steps=transition_steps, power=power
    )
    return shift(fall, transition_begin) if transition_begin > 0 else fall


def _linear(
    *,
    init_value: float,
    end_value: float,
    transition_steps: AnyInt,
    transition_begin: AnyInt = 0,
) -> Schedule:
    return _polynomial(
        init_value=init_value,
        end_value=end_value,
        power=1.0,
        transition_steps=transition_steps,
        transition_begin=transition_begin,
    )


def _exponential(
    *,
    init_value: float,
    transition_steps: AnyInt,
    decay_rate: float,
    transition_begin: AnyInt = 0,
    staircase: bool = False,
    end_value: float | None = None,
) -> Schedule:
    """Holds `init_value` where the steps or the rate are 0, as Optax does."""
    if transition_steps <= 0 or (not check.is_traced(decay_rate) and decay_rate == 0):
        return ConstantSchedule(value=init_value)
    kind = StepDecaySchedule if staircase else ExponentialSchedule
    fall: Schedule = kind(
        init_value=init_value, decay_steps=transition_steps, decay_rate=decay_rate
    )
    if transition_begin > 0:
        fall = shift(fall, transition_begin)
    if end_value is None:
        return fall
    return maximum(fall, end_value) if decay_rate < 1 else minimum(fall, end_value)


def _cosine(
    *, init_value: float, decay_steps: int, alpha: Share = 0.0, exponent: float = 1.0
) -> Schedule:
    cycle: dict[str, Any] = {
        "peak_value": init_value,
        "end_value": init_value * alpha,
        "decay_steps": decay_steps,
    }
    if exponent == 1:
        return CyclicalCosineSchedule(**cycle)
    return CyclicalCosinePowerSchedule(**cycle, exponent=exponent)


def _warmup_constant(*, init_value: float, peak_value: float, warmup_steps: AnyInt) -> Schedule:
    return _linear(init_value=init_value, end_value=peak_value, transition_steps=warmup_steps)


def _warmup_cosine(
    *,
    init_value: float,
    peak_value: float,
    warmup_steps: Whole,
    decay_steps: int,
    end_value: float = 0.0,
    exponent: float = 1.0,
) -> Schedule:
    """Counts the warm-up among the `decay_steps`, as Optax does."""
    if not warmup_steps < decay_steps:
        raise ValueError(
            f"`decay_steps` must be above `warmup_steps` ({warmup_steps}), which it counts in, got "
            f"{decay_steps}. Add the warm-up to it."
        )
    if not check.is_traced(peak_value) and peak_value == 0:
        end_value = 0.0
    cycle: dict[str, Any] = {
        "peak_value": peak_value,
        "end_value": end_value,
        "decay_steps": decay_steps - warmup_steps,
        "init_value": init_value,
        "warmup_steps": warmup_steps,
        "warmup_shape": "linear",
    }
    if exponent == 1:
        return CyclicalCosineSchedule(**cycle)
    return CyclicalCosinePowerSchedule(**cycle, exponent=exponent)


def _warmup_exponential(
    *,
    init_value: float,
    peak_value: float,
    warmup_steps: Whole,
    transition_steps: AnyInt,
    decay_rate: float,
    transition_begin: AnyInt = 0,
    staircase: bool = False,
    end_value: float | None = None,
) -> Schedule:
    fall = _exponential(
        init_value=peak_value,
        transition_steps=transition_steps,
        decay_rate=decay_rate,
        transition_begin=transition_begin,
        staircase=staircase,
        end_value=end_value,
    )
    return joined([(line(init_value, peak_value, warmup_steps), warmup_steps)], fall)


def _sgdr(*, cosine_kwargs: Sequence[Mapping[str, Any]]) -> Schedule:
    cycles = []
    for i, each in enumerate(listed("cosine_kwargs", cosine_kwargs, "dictionaries")):
        if not isinstance(each, Mapping):
            raise ValueError(
                f"`cosine_kwargs[{i}]` must be a dictionary of the arguments of "
                f"`warmup_cosine_decay_schedule`, got {each!r}. Give one for each cycle."
            )
        cycle = build(OPTAX["warmup_cosine_decay_schedule"], f"`cosine_kwargs[{i}]`", each)
        cycles.append((cycle, each["decay_steps"]))
    if not cycles:
        raise ValueError("`cosine_kwargs` must hold at least one cycle, got none. Give one.")
    return joined(cycles[:-1], cycles[-1][0])


def _join(*, schedules: Sequence[Any], boundaries: Sequence[int]) -> Schedule:
    parts = [
        as_schedule(f"schedules[{i}]", each)
        for i, each in enumerate(listed("schedules", schedules, "schedules"))
    ]
    steps = steps_listed("boundaries", boundaries, 0)
    if len(steps) != len(parts) - 1:
        raise ValueError(
            f"`boundaries` must be one fewer than the {len(parts)} `schedules`, got {len(steps)}. "
            "Give the step at which each schedule but the first begins."
        )
    if steps != sorted(steps):
        raise ValueError(f"`boundaries` must not fall, got {steps}. Sort them.")
    lengths = [after - before for before, after in pairwise([0, *steps])]
    return joined(list(zip(parts[:-1], lengths, strict=True)), parts[-1])


OPTAX = {
    "constant_schedule": Peer(_constant),
    "cosine_decay_schedule": Peer(_cosine),
    "cosine_onecycle_schedule": Peer(cosine_onecycle),
    "exponential_decay": Peer(_exponential),
    "join_schedules": Peer(_join),
    "linear_onecycle_schedule": Peer(linear_onecycle),
    "linear_schedule": Peer(_linear),
    "piecewise_constant_schedule": Peer(piecewise_constant),
    "piecewise_interpolate_schedule": Peer(piecewise_interpolate),
    "polynomial_schedule": Peer(_polynomial),
    "sgdr_schedule": Peer(_sgdr),
    "warmup_constant_schedule": Peer(_warmup_constant),
    "warmup_cosine_decay_schedule": Peer(_warmup_cosine),
    "warmup_exponential_decay_schedule": Peer(_warmup_exponential),
}

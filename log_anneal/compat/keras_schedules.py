"""The schedules of `keras.optimizers.schedules`, with their arguments and defaults."""

from collections.abc import Sequence

from log_anneal._compose.chain import ChainSchedule
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.constant import ConstantSchedule
from log_anneal._schedules.cyclical_shapes import CyclicalCosineSchedule
from log_anneal._schedules.decay import ExponentialSchedule, PolynomialSchedule
from log_anneal._schedules.stairs import StepDecaySchedule
from log_anneal.compat.curves import InverseTimeSchedule, PolynomialCyclesSchedule
from log_anneal.compat.peer import Peer, Share, Whole, named, rates_listed, steps_listed


def _cosine_decay(
    *,
    initial_learning_rate: float,
    decay_steps: int,
    alpha: Share = 0.0,
    warmup_target: float | None = None,
    warmup_steps: Whole = 0,
) -> Schedule:
    """Warms up only if there is a `warmup_target`, whatever the `warmup_steps`."""
    has_warmup = warmup_target is not None
    peak_value = initial_learning_rate if warmup_target is None else warmup_target
    return CyclicalCosineSchedule(
        peak_value=peak_value,
        end_value=peak_value * alpha,
        decay_steps=decay_steps,
        init_value=initial_learning_rate,
        warmup_steps=warmup_steps if has_warmup else 0,
        warmup_shape="linear",
    )


def _cosine_decay_restarts(
    *,
    initial_learning_rate: float,
    first_decay_steps: int,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: Share = 0.0,
) -> Schedule:
    """Adds the floor apart from the cycles, since `m_mul` shrinks only what lies above `alpha`."""
    floor = initial_learning_rate * alpha
    is_apart = m_mul != 1 and alpha != 0
    with named(
        restart_decay="m_mul", restart_multiplier="t_mul", restart_steps="first_decay_steps"
    ):
        cycles = CyclicalCosineSchedule(
            peak_value=initial_learning_rate - floor if is_apart else initial_learning_rate,
            end_value=0.0 if is_apart else floor,
            decay_steps=0,
            restart_steps=first_decay_steps,
            restart_multiplier=t_mul,
            restart_decay=None if m_mul == 1 else m_mul,
        )
    return cycles + floor if is_apart else cycles


def _exponential_decay(
    *,
    initial_learning_rate: float,
    decay_steps: int,
    decay_rate: float,
    staircase: bool = False,
) -> Schedule:
    kind = StepDecaySchedule if staircase else ExponentialSchedule
    return kind(init_value=initial_learning_rate, decay_steps=decay_steps, decay_rate=decay_rate)


def _inverse_time_decay(
    *,
    initial_learning_rate: float,
    decay_steps: int,
    decay_rate: float,
    staircase: bool = False,
) -> Schedule:
    return InverseTimeSchedule(
        init_value=initial_learning_rate,
        decay_steps=decay_steps,
        decay_rate=decay_rate,
        form="stairs" if staircase else "smooth",
    )


def _piecewise_constant_decay(*, boundaries: Sequence[int], values: Sequence[float]) -> Schedule:
    """Holds a value up to its boundary, which is the last of its steps."""
    steps, rates = steps_listed("boundaries", boundaries, 0), rates_listed("values", values)
    if len(steps) != len(rates) - 1:
        raise ValueError(
            f"`values` must be one more than the {len(steps)} `boundaries`, got {len(rates)}. "
            "Give the rate before the first boundary, and one after each."
        )
    if steps != sorted(set(steps)):
        raise ValueError(
            f"`boundaries` must rise from one to the next, got {steps}. Leave out the value that "
            "has no steps."
        )
    lengths = [after - before for before, after in zip([-1, *steps], steps, strict=False)]
    return ChainSchedule(parts=[ConstantSchedule(value=rate) for rate in rates], part_steps=lengths)


def _polynomial_decay(
    *,
    initial_learning_rate: float,
    decay_steps: int,
    end_learning_rate: float = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
) -> Schedule:
    kind = PolynomialCyclesSchedule if cycle else PolynomialSchedule
    return kind(
        init_value=initial_learning_rate,
        end_value=end_learning_rate,
        decay_steps=decay_steps,
        power=power,
    )


_NAME = {"name": str}

KERAS = {
    "CosineDecay": Peer(_cosine_decay, ignored=_NAME),
    "CosineDecayRestarts": Peer(_cosine_decay_restarts, ignored=_NAME),
    "ExponentialDecay": Peer(_exponential_decay, ignored=_NAME),
    "InverseTimeDecay": Peer(_inverse_time_decay, ignored=_NAME),
    "PiecewiseConstantDecay": Peer(_piecewise_constant_decay, ignored=_NAME),
    "PolynomialDecay": Peer(_polynomial_decay, ignored=_NAME),
}

"""transformers' get_wsd_schedule: warm-up, plateau and decay, each of several shapes."""

from typing import Annotated, Literal

from log_anneal._core.schedule import Schedule
from log_anneal._schedules.constant import ConstantSchedule
from log_anneal._schedules.cyclical_shapes import CyclicalCosineSchedule
from log_anneal._schedules.decay import PolynomialSchedule
from log_anneal._schedules.warmup_stable_decay import WarmupStableDecaySchedule
from log_anneal.compat.curves import CosineWavesSchedule
from log_anneal.compat.joined import joined, line
from log_anneal.compat.peer import Between, Share, Whole

_Shape = Literal["linear", "cosine", "1-sqrt"]


def warmup_stable_decay(
    *,
    base_lr: float,
    num_warmup_steps: Whole,
    num_decay_steps: Whole,
    num_training_steps: int | None = None,
    num_stable_steps: Whole | None = None,
    warmup_type: _Shape = "linear",
    decay_type: _Shape = "cosine",
    min_lr_ratio: Share = 0.0,
    num_cycles: Annotated[float, Between(0, 1e6, "Take 0.5 for one fall.")] = 0.5,
) -> Schedule:
    """Rises from the lowest rate, and falls back to it."""
    stable = num_stable_steps
    if stable is None:
        stable = _stable_steps(num_training_steps, num_warmup_steps, num_decay_steps)
    lowest = base_lr * min_lr_ratio
    return joined(
        [
            (_rise(warmup_type, lowest, base_lr, max(num_warmup_steps, 1)), num_warmup_steps),
            (ConstantSchedule(value=base_lr), stable),
            (
                _fall(decay_type, base_lr, lowest, max(num_decay_steps, 1), num_cycles),
                num_decay_steps,
            ),
        ],
        ConstantSchedule(value=lowest),
    )


def _stable_steps(num_training_steps: int | None, warmup: int, decay: int) -> int:
    if num_training_steps is None:
        raise ValueError(
            "`num_training_steps` must be given, or `num_stable_steps`, got neither. Give one."
        )
    if num_training_steps < warmup + decay:
        raise ValueError(
            f"`num_training_steps` must be at least `num_warmup_steps` ({warmup}) and "
            f"`num_decay_steps` ({decay}) together, got {num_training_steps}. Take more steps."
        )
    return num_training_steps - warmup - decay


def _rise(shape: _Shape, low: float, high: float, steps: int) -> Schedule:
    if shape == "cosine":
        return CyclicalCosineSchedule(peak_value=low, end_value=high, decay_steps=steps)
    if shape == "1-sqrt":
        return PolynomialSchedule(init_value=low, end_value=high, decay_steps=steps, power=0.5)
    return line(low, high, steps)


def _fall(shape: _Shape, high: float, low: float, steps: int, num_cycles: float) -> Schedule:
    if shape == "cosine":
        return CosineWavesSchedule(
            peak_value=high, end_value=low, decay_steps=steps, num_cycles=num_cycles
        )
    if shape == "1-sqrt":
        return WarmupStableDecaySchedule(
            peak_value=high, stable_steps=0, decay_steps=steps, end_value=low, cooldown="1-sqrt"
        )
    return line(high, low, steps)

"""Two schedulers that people published for PyTorch."""

from typing import Any

from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.cyclical_log import CyclicalLogSchedule
from log_anneal._schedules.cyclical_shapes import CyclicalCosineSchedule
from log_anneal.compat.peer import Peer, Whole, named
from log_anneal.compat.torch import ANY


def _cyclic_cosine_decay(
    *,
    base_lr: float,
    init_decay_epochs: int,
    min_decay_lr: float,
    restart_interval: int | None = None,
    restart_interval_multiplier: float | None = None,
    restart_lr: float | None = None,
    warmup_epochs: Whole | None = None,
    warmup_start_lr: float | None = None,
) -> Schedule:
    if warmup_epochs is not None and warmup_start_lr is None:
        raise ValueError(
            "`warmup_start_lr` must be given with `warmup_epochs`, got None. Take 0.0."
        )
    with named(restart_multiplier="restart_interval_multiplier", restart_steps="restart_interval"):
        return CyclicalCosineSchedule(
            peak_value=base_lr,
            end_value=min_decay_lr,
            decay_steps=init_decay_epochs,
            init_value=warmup_start_lr or 0.0,
            warmup_steps=warmup_epochs or 0,
            restart_steps=restart_interval,
            restart_multiplier=(
                1.0 if restart_interval_multiplier is None else restart_interval_multiplier
            ),
            restart_value=restart_lr,
        )


def _cyclical_log_annealing(
    *,
    base_lr: float | None = None,
    min_lr: float = 0.001,
    max_lr: float = 0.1,
    restart_interval: int = 10,
    restart_interval_multiplier: float = 2.0,
    warmup_epochs: Whole = 5,
    warmup_start_lr: float = 0.0001,
) -> Schedule:
    """Warms up by `start + (base - start) (t + 1) / W`; the cycles begin at `max_lr`."""
    warmup: dict[str, Any] = {}
    peak_value = max_lr
    if warmup_epochs:
        if base_lr is None:
            raise ValueError(
                "`base_lr` must be given with `warmup_epochs`, which end there, got None. "
                "Give the optimizer's rate, or `warmup_epochs=0`."
            )
        rise = (base_lr - warmup_start_lr) / warmup_epochs
        peak_value = base_lr + rise
        if not check.is_traced(peak_value) and not 0 <= peak_value <= check.MAX_VALUE:
            raise ValueError(
                "`warmup_start_lr` must leave a rate where the warm-up ends, got "
                f"{warmup_start_lr:g}, which makes {peak_value:g} of `base_lr` ({base_lr:g}). Take "
                "a rate nearer to it, or more `warmup_epochs`."
            )
        warmup = {
            "init_value": warmup_start_lr + rise,
            "warmup_steps": warmup_epochs,
            "warmup_shape": "linear",
            "restart_value": max_lr,
        }
    with named(restart_multiplier="restart_interval_multiplier", restart_steps="restart_interval"):
        return CyclicalLogSchedule(
            peak_value=peak_value,
            end_value=min_lr,
            decay_steps=0,
            restart_steps=restart_interval,
            restart_multiplier=restart_interval_multiplier,
            form="author_release",
            **warmup,
        )


PUBLISHED_FOR_TORCH = {
    "CyclicCosineDecayLR": Peer(_cyclic_cosine_decay, ANY),
    "CyclicalLogAnnealing": Peer(
        _cyclical_log_annealing, {"optimizer": ANY["optimizer"]}, {"total_epochs": Whole}
    ),
}

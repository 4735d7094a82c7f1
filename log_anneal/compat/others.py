"""Schedulers of Keras and timm, and two that people published for PyTorch."""

from functools import partial
from typing import Any

from log_anneal._compose.chain import chain
from log_anneal._compose.time import shift
from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.cyclical_log import CyclicalLogSchedule
from log_anneal._schedules.cyclical_shapes import CyclicalCosineSchedule, CyclicalSchedule
from log_anneal._schedules.decay import PolynomialSchedule
from log_anneal.compat.peer import Peer


def _cyclic_cosine_decay(
    *,
    base_lr: float,
    init_decay_epochs: int,
    min_decay_lr: float,
    restart_interval: int | None = None,
    restart_interval_multiplier: float | None = None,
    restart_lr: float | None = None,
    warmup_epochs: int | None = None,
    warmup_start_lr: float | None = None,
) -> Schedule:
    if warmup_epochs is not None and warmup_start_lr is None:
        raise ValueError(
            "`warmup_start_lr` must be given with `warmup_epochs`, got None. Take 0.0."
        )
    return CyclicalCosineSchedule(
        peak_value=base_lr,
        end_value=min_decay_lr,
        decay_steps=init_decay_epochs,
        init_value=warmup_start_lr or 0.0,
        warmup_steps=warmup_epochs or 0,
        restart_steps=restart_interval,
        restart_multiplier=restart_interval_multiplier or 1.0,
        restart_value=restart_lr,
    )


def _cyclical_log_annealing(
    *,
    base_lr: float | None = None,
    min_lr: float = 0.001,
    max_lr: float = 0.1,
    restart_interval: int = 10,
    restart_interval_multiplier: float = 2.0,
    warmup_epochs: Any = 5,
    warmup_start_lr: float = 0.0001,
) -> Schedule:
    """Warms up by `start + (base - start) (t + 1) / W`; the cycles begin at `max_lr`."""
    warmup: dict[str, Any] = {}
    if check.steps("warmup_epochs", warmup_epochs, 0):
        if base_lr is None:
            raise ValueError(
                "`base_lr` must be given with `warmup_epochs`, which end there, got None. "
                "Give the optimizer's rate, or `warmup_epochs=0`."
            )
        rise = (base_lr - warmup_start_lr) / warmup_epochs
        warmup = {
            "init_value": warmup_start_lr + rise,
            "warmup_steps": warmup_epochs,
            "warmup_shape": "linear",
            "restart_value": max_lr,
        }
    return CyclicalLogSchedule(
        peak_value=base_lr + rise if base_lr is not None and warmup else max_lr,
        end_value=min_lr,
        decay_steps=0,
        restart_steps=restart_interval,
        restart_multiplier=restart_interval_multiplier,
        form="author_release",
        **warmup,
    )


def _keras_cosine_decay(
    *,
    initial_learning_rate: float,
    decay_steps: int,
    alpha: float = 0.0,
    warmup_target: float | None = None,
    warmup_steps: int = 0,
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


def _keras_cosine_decay_restarts(
    *,
    initial_learning_rate: float,
    first_decay_steps: int,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
) -> Schedule:
    """Adds the floor apart from the cycles, since `m_mul` shrinks only what lies above `alpha`."""
    floor = initial_learning_rate * alpha
    is_apart = m_mul != 1 and alpha != 0
    cycles = CyclicalCosineSchedule(
        peak_value=initial_learning_rate - floor if is_apart else initial_learning_rate,
        end_value=0.0 if is_apart else floor,
        decay_steps=0,
        restart_steps=first_decay_steps,
        restart_multiplier=t_mul,
        restart_decay=None if m_mul == 1 else m_mul,
    )
    return cycles + floor if is_apart else cycles


def _timm_cosine(
    *,
    base_lr: float,
    t_initial: int,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: float = 0.0,
    warmup_prefix: bool = False,
    k_decay: float = 1.0,
) -> Schedule:
    """Lets the warm-up replace the first steps of the cosine, if there is no `warmup_prefix`."""
    cycle: dict[str, Any] = {
        "peak_value": base_lr,
        "end_value": lr_min,
        "decay_steps": 0,
        "restart_steps": t_initial,
        "restart_multiplier": cycle_mul,
        "restart_decay": None if cycle_decay == 1 else cycle_decay,
        "num_restarts": cycle_limit,
    }
    if warmup_prefix:
        cycle |= {"init_value": warmup_lr_init, "warmup_steps": warmup_t, "warmup_shape": "linear"}
    cycles = (
        CyclicalCosineSchedule(**cycle)
        if k_decay == 1
        else CyclicalSchedule(**cycle, shape=partial(k_decay_cosine, k=k_decay))
    )
    if warmup_prefix or not warmup_t:
        return cycles
    rise = PolynomialSchedule(init_value=warmup_lr_init, end_value=base_lr, decay_steps=warmup_t)
    return chain([rise, shift(cycles, -warmup_t)])


def k_decay_cosine(progress: Any, xp: Any, *, k: float) -> Any:
    """Falls by `(1 + cos(pi p^k)) / 2 = cos(pi p^k / 2)^2`; at the start its slope counts as 0."""
    has_begun = progress > 0
    power = xp.where(has_begun, xp.where(has_begun, progress, 1.0) ** k, 0.0)
    return xp.cos(xp.pi / 2 * power) ** 2


_OPTIMIZER: dict[str, tuple[Any, str]] = {
    "optimizer": (None, "A schedule has no optimizer: give `base_lr`, the rate that it has."),
}

_PER_EPOCH: dict[str, tuple[Any, str]] = {
    "last_epoch": (-1, "A schedule has no state: ask it about the step, `schedule(step)`."),
    "verbose": (False, "Print `schedule.at(step)`."),
}

_NOISE: dict[str, tuple[Any, str]] = {
    "noise_range_t": (None, "A schedule is a function of the step: it has no noise."),
}

PUBLISHED_FOR_TORCH = {
    "CyclicCosineDecayLR": Peer(_cyclic_cosine_decay, _OPTIMIZER | _PER_EPOCH),
    "CyclicalLogAnnealing": Peer(_cyclical_log_annealing, _OPTIMIZER, ("total_epochs",)),
}

KERAS = {
    "CosineDecay": Peer(_keras_cosine_decay, ignored=("name",)),
    "CosineDecayRestarts": Peer(_keras_cosine_decay_restarts, ignored=("name",)),
}

TIMM = {
    "CosineLRScheduler": Peer(
        _timm_cosine,
        _OPTIMIZER | _NOISE,
        ("t_in_epochs", "noise_pct", "noise_std", "noise_seed", "initialize"),
    ),
}

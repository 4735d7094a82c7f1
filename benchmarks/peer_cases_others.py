"""Arguments at random for the schedules of timm, Optax and transformers."""

from collections.abc import Callable, Mapping

from peer_draws import Arguments, Cases, Draw


def _timm_cycles(d: Draw) -> Arguments:
    return {
        "base_lr": d.rate(0.01),
        "t_initial": d.steps(2),
        "lr_min": d.of(0.0, d.rate(1e-5, 1e-3)),
        "cycle_mul": d.of(1.0, 1.0, 2.0),
        "cycle_decay": d.of(1.0, 0.5),
        "cycle_limit": d.steps(1, 4),
    } | _timm_warmup(d)


def _timm_warmup(d: Draw) -> Arguments:
    return {
        "warmup_t": d.of(0, d.steps(0, 20)),
        "warmup_lr_init": d.rate(1e-5, 1e-3),
        "warmup_prefix": d.of(True, False),
    }


def _timm_wsd(d: Draw) -> Arguments:
    total = d.steps(20, 150)
    warmup = _timm_warmup(d)
    del warmup["warmup_prefix"]
    return warmup | {
        "base_lr": d.rate(0.01),
        "t_initial": total,
        "decay_t": d.steps(1, total),
        "lr_min": d.of(0.0, d.rate(1e-5, 1e-2)),
        "stable_fn": d.of("constant", "rsqrt", "power"),
        "stable_timescale": d.rate(2, 50),
        "stable_power": d.rate(0.2, 2),
        "decay_fn": d.of("linear", "1-sqrt", "cosine", "power", "exp", _square),
        "decay_power": d.rate(0.2, 3),
        "decay_ratio": d.rate(0.01, 0.9),
    }


def _square(share: float) -> float:
    return (1 - share) ** 2 if share < 1 else 0.0


TIMM: Cases = {
    "CosineLRScheduler": lambda d: _timm_cycles(d) | {"k_decay": d.of(1.0, d.rate(0.5, 3))},
    "MultiStepLRScheduler": lambda d: (
        {
            "base_lr": d.rate(0.01),
            "decay_t": d.rising(4, 0, 200),
            "decay_rate": d.rate(0.1),
        }
        | _timm_warmup(d)
    ),
    "PolyLRScheduler": lambda d: (
        _timm_cycles(d) | {"power": d.rate(0.2, 5), "k_decay": d.of(1.0, d.rate(0.5, 3))}
    ),
    "StepLRScheduler": lambda d: (
        {
            "base_lr": d.rate(0.01),
            "decay_t": d.steps(),
            "decay_rate": d.rate(0.1),
        }
        | _timm_warmup(d)
    ),
    "TanhLRScheduler": lambda d: _timm_cycles(d) | {"lb": -d.rate(1, 9), "ub": d.rate(1, 9)},
    "WSDLRScheduler": _timm_wsd,
}


def _optax_end(d: Draw) -> Arguments:
    return {
        "transition_steps": d.steps(),
        "decay_rate": d.rate(0.1),
        "transition_begin": d.of(-3, 0, d.steps()),
        "staircase": d.of(True, False),
        "end_value": d.of(None, d.rate(1e-6, 1e-2)),
    }


def _warmup_cosine(d: Draw) -> Arguments:
    warmup = d.steps(0, 20)
    return {
        "init_value": d.rate(),
        "peak_value": d.rate(),
        "warmup_steps": warmup,
        "decay_steps": warmup + d.steps(),
        "end_value": d.rate(),
        "exponent": d.of(1.0, d.rate(0.5, 3)),
    }


def _scales(d: Draw) -> dict[int, float]:
    return {step: d.rate(0.1, 2) for step in d.rising(4, 0, 200)}


OPTAX: Cases = {
    "constant_schedule": lambda d: {"value": d.rate()},
    "cosine_decay_schedule": lambda d: {
        "init_value": d.rate(),
        "decay_steps": d.steps(),
        "alpha": d.rate(),
        "exponent": d.of(1.0, d.rate(0.5, 3)),
    },
    "cosine_onecycle_schedule": lambda d: {
        "transition_steps": d.steps(20, 200),
        "peak_value": d.rate(),
        "pct_start": d.rate(0.1, 0.9),
        "div_factor": d.rate(2, 50),
        "final_div_factor": d.rate(2, 1e4),
    },
    "exponential_decay": lambda d: {"init_value": d.rate()} | _optax_end(d),
    "join_schedules": lambda d: {
        "schedules": [("linear_schedule", OPTAX["linear_schedule"](d)) for _ in range(3)],
        "boundaries": d.rising(2, 0, 150),
    },
    "linear_onecycle_schedule": lambda d: {
        "transition_steps": d.steps(40, 200),
        "peak_value": d.rate(),
        "pct_start": d.rate(0.1, 0.4),
        "pct_final": d.rate(0.5, 0.9),
        "div_factor": d.rate(2, 50),
        "final_div_factor": d.rate(2, 1e4),
    },
    "linear_schedule": lambda d: {
        "init_value": d.rate(),
        "end_value": d.rate(),
        "transition_steps": d.of(0, d.steps()),
        "transition_begin": d.of(-3, 0, d.steps()),
    },
    "piecewise_constant_schedule": lambda d: {
        "init_value": d.rate(),
        "boundaries_and_scales": d.of(None, _scales(d)),
    },
    "piecewise_interpolate_schedule": lambda d: {
        "interpolate_type": d.of("linear", "cosine"),
        "init_value": d.rate(),
        "boundaries_and_scales": _scales(d),
    },
    "polynomial_schedule": lambda d: {
        "init_value": d.rate(),
        "end_value": d.rate(),
        "power": d.rate(0.2, 5),
        "transition_steps": d.of(0, d.steps()),
        "transition_begin": d.of(-3, 0, d.steps()),
    },
    "sgdr_schedule": lambda d: {"cosine_kwargs": [_warmup_cosine(d) for _ in range(d.steps(1, 4))]},
    "warmup_constant_schedule": lambda d: {
        "init_value": d.rate(),
        "peak_value": d.rate(),
        "warmup_steps": d.steps(),
    },
    "warmup_cosine_decay_schedule": _warmup_cosine,
    "warmup_exponential_decay_schedule": lambda d: (
        {
            "init_value": d.rate(),
            "peak_value": d.rate(),
            "warmup_steps": d.steps(0),
        }
        | _optax_end(d)
    ),
}


def _run(d: Draw) -> Arguments:
    warmup = d.of(0, d.steps(1, 40))
    return {
        "base_lr": d.rate(),
        "num_warmup_steps": warmup,
        "num_training_steps": warmup + d.steps(2, 150),
    }


def _lowest(d: Draw) -> Arguments:
    return d.of({"min_lr": d.rate(1e-6, 1e-4)}, {"min_lr_rate": d.rate(0.01, 0.5)})


def _wsd(d: Draw) -> Arguments:
    warmup, stable, decay = d.steps(0, 30), d.steps(0, 80), d.steps(1, 80)
    length = d.of({"num_stable_steps": stable}, {"num_training_steps": warmup + stable + decay})
    return length | {
        "base_lr": d.rate(),
        "num_warmup_steps": warmup,
        "num_decay_steps": decay,
        "warmup_type": d.of("linear", "cosine", "1-sqrt"),
        "decay_type": d.of("linear", "cosine", "1-sqrt"),
        "min_lr_ratio": d.of(0.0, d.rate(0.01, 0.5)),
        "num_cycles": d.of(0.5, d.rate(0.2, 3)),
    }


_SHORT: Mapping[str, tuple[str, Callable[[Draw], Arguments]]] = {
    "constant": ("get_constant_schedule", lambda d: {"base_lr": d.rate()}),
    "constant_with_warmup": (
        "get_constant_schedule_with_warmup",
        lambda d: {"base_lr": d.rate(), "num_warmup_steps": d.steps(0, 40)},
    ),
    "cosine": (
        "get_cosine_schedule_with_warmup",
        lambda d: _run(d) | {"num_cycles": d.of(0.5, d.rate(0.2, 3))},
    ),
    "cosine_warmup_with_min_lr": (
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
        lambda d: (
            _run(d)
            | _lowest(d)
            | {"num_cycles": d.of(0.5, d.rate(0.2, 3)), "warmup_lr_rate": d.of(None, d.rate(0.01))}
        ),
    ),
    "cosine_with_min_lr": (
        "get_cosine_with_min_lr_schedule_with_warmup",
        lambda d: _run(d) | _lowest(d) | {"num_cycles": d.of(0.5, d.rate(0.2, 3))},
    ),
    "cosine_with_restarts": (
        "get_cosine_with_hard_restarts_schedule_with_warmup",
        lambda d: _run(d) | {"num_cycles": d.of(1, 2, 4, 0.75, d.rate(1.1, 5))},
    ),
    "inverse_sqrt": (
        "get_inverse_sqrt_schedule",
        lambda d: {
            "base_lr": d.rate(),
            "num_warmup_steps": d.steps(0, 40),
            "timescale": d.of(None, d.steps()),
        },
    ),
    "linear": ("get_linear_schedule_with_warmup", _run),
    "polynomial": (
        "get_polynomial_decay_schedule_with_warmup",
        lambda d: _run(d) | {"lr_end": d.rate(1e-7, 1e-5), "power": d.rate(0.2, 5)},
    ),
    "warmup_stable_decay": ("get_wsd_schedule", _wsd),
}

TRANSFORMERS: Cases = {
    name: draw for short, (function, draw) in _SHORT.items() for name in (short, function)
}

"""Arguments at random for every schedule that `compat` has of another library.

`benchmarks/peer_differences.py` runs them beside the libraries, and `tests/test_peers.py` beside
Optax, and to see that every argument is checked under its own name.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Arguments = dict[str, Any]


class Draw:
    """Numbers at random."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def rate(self, low: float = 1e-4, high: float = 1.0) -> float:
        """A number whose logarithm is even between two bounds."""
        return float(np.exp(self.random.uniform(np.log(low), np.log(high))))

    def steps(self, low: int = 1, high: int = 60) -> int:
        """A whole number, below `high`."""
        return int(self.random.integers(low, high))

    def of(self, *choices: Any) -> Any:
        """One of several."""
        return choices[int(self.random.integers(len(choices)))]

    def rising(self, count: int, low: int, high: int) -> list[int]:
        """Whole numbers that rise."""
        return sorted(self.random.choice(np.arange(low, high), count, replace=False).tolist())


def _one_cycle(d: Draw) -> Arguments:
    length = {"total_steps": d.steps(30, 200)}
    if d.of(True, False):
        length = {"epochs": d.steps(3, 9), "steps_per_epoch": d.steps(10, 20)}
    three_phase = d.of(True, False)
    return {
        **length,
        "max_lr": d.rate(),
        "pct_start": d.rate(0.1, 0.45 if three_phase else 0.9),
        "anneal_strategy": d.of("cos", "linear"),
        "div_factor": d.rate(2, 50),
        "final_div_factor": d.rate(2, 1e4),
        "three_phase": three_phase,
        "base_momentum": d.rate(0.5, 0.85),
        "max_momentum": d.rate(0.86, 0.99),
    }


def _cyclic(d: Draw) -> Arguments:
    return {
        "base_lr": d.rate(1e-4, 0.01),
        "max_lr": d.rate(0.01),
        "step_size_up": d.steps(),
        "step_size_down": d.of(None, d.steps()),
        "mode": d.of("triangular", "triangular2", "exp_range"),
        "gamma": d.rate(0.9),
        "base_momentum": d.rate(0.5, 0.85),
        "max_momentum": d.rate(0.86, 0.99),
    }


def _sequential(d: Draw) -> Arguments:
    names = [name for name in TORCH if name not in _NO_PARTS]
    chosen = [d.of(*names) for _ in range(d.steps(1, 4))]
    parts = []
    for name in chosen:
        arguments = TORCH[name](d)
        arguments.pop("base_lr")
        parts.append((name, arguments))
    milestones = d.rising(len(parts) - 1, 1, 150)
    return {"base_lr": d.rate(), "schedulers": parts, "milestones": milestones}


_NO_PARTS = ("SequentialLR", "ChainedScheduler", "CyclicLR", "OneCycleLR", "MultiplicativeLR")
"""The first two are made of others; the next two reset the optimizer's rate for all others; the
last begins with the rate of the part before it."""

_FACTORS = ("ConstantLR", "ExponentialLR", "LinearLR", "MultiStepLR", "PolynomialLR", "StepLR")


def _chained(d: Draw) -> Arguments:
    parts = []
    for _ in range(d.steps(1, 4)):
        name = d.of(*_FACTORS, "MultiplicativeLR")
        arguments = TORCH[name](d)
        arguments.pop("base_lr")
        parts.append((name, arguments))
    parts.append(("CosineAnnealingLR", {"T_max": d.steps(240, 300)}))  # a factor up to T_max
    return {"base_lr": d.rate(), "schedulers": parts}


def _hyperbola(step: int) -> float:
    return 1 / (1 + step)


def _python(step: int) -> float:
    return 0.9**step if step < 20 else 0.1


def _damped(step: int) -> float:
    return 0.97 if step % 7 else 1.1


TORCH: Mapping[str, Callable[[Draw], Arguments]] = {
    "ChainedScheduler": _chained,
    "ConstantLR": lambda d: {
        "base_lr": d.rate(),
        "factor": d.rate(0.01),
        "total_iters": d.steps(),
    },
    "CosineAnnealingLR": lambda d: {
        "base_lr": d.rate(),
        "T_max": d.steps(2),
        "eta_min": d.rate(),
    },
    "CosineAnnealingWarmRestarts": lambda d: {
        "base_lr": d.rate(),
        "T_0": d.steps(),
        "T_mult": d.of(1, 2, 3),
        "eta_min": d.rate(),
    },
    "CyclicLR": _cyclic,
    "ExponentialLR": lambda d: {"base_lr": d.rate(), "gamma": d.rate(0.5)},
    "LambdaLR": lambda d: {
        "base_lr": d.rate(),
        "lr_lambda": d.of(_hyperbola, _python),
        "num_steps": 240,
    },
    "LinearLR": lambda d: {
        "base_lr": d.rate(),
        "start_factor": d.rate(),
        "end_factor": d.rate(),
        "total_iters": d.steps(),
    },
    "MultiStepLR": lambda d: {
        "base_lr": d.rate(),
        "milestones": [d.steps(1, 200) for _ in range(5)],
        "gamma": d.rate(0.1),
    },
    "MultiplicativeLR": lambda d: {
        "base_lr": d.rate(),
        "lr_lambda": d.of(_hyperbola, _damped),
        "num_steps": 240,
    },
    "OneCycleLR": _one_cycle,
    "PolynomialLR": lambda d: {
        "base_lr": d.rate(),
        "total_iters": d.steps(),
        "power": d.rate(0.2, 5),
    },
    "SequentialLR": _sequential,
    "StepLR": lambda d: {"base_lr": d.rate(), "step_size": d.steps(), "gamma": d.rate(0.1)},
}

KERAS: Mapping[str, Callable[[Draw], Arguments]] = {
    "CosineDecay": lambda d: {
        "initial_learning_rate": d.rate(),
        "decay_steps": d.steps(),
        "alpha": d.rate(),
        "warmup_target": d.of(None, d.rate()),
        "warmup_steps": d.steps(0),
    },
    "CosineDecayRestarts": lambda d: {
        "initial_learning_rate": d.rate(),
        "first_decay_steps": d.steps(),
        "t_mul": 1.0,
        "m_mul": d.of(1.0, 0.5, 0.9),
        "alpha": d.of(0.0, 0.1),
    },
    "ExponentialDecay": lambda d: {
        "initial_learning_rate": d.rate(),
        "decay_steps": d.steps(),
        "decay_rate": d.rate(0.1),
        "staircase": d.of(True, False),
    },
    "InverseTimeDecay": lambda d: {
        "initial_learning_rate": d.rate(),
        "decay_steps": d.steps(),
        "decay_rate": d.rate(0.1, 10),
        "staircase": d.of(True, False),
    },
    "PiecewiseConstantDecay": lambda d: {
        "boundaries": d.rising(4, 0, 200),
        "values": [d.rate() for _ in range(5)],
    },
    "PolynomialDecay": lambda d: {
        "initial_learning_rate": d.rate(),
        "decay_steps": d.steps(),
        "end_learning_rate": d.rate(),
        "power": d.rate(0.2, 5),
        "cycle": d.of(True, False),
    },
}


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


TIMM: Mapping[str, Callable[[Draw], Arguments]] = {
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


OPTAX: Mapping[str, Callable[[Draw], Arguments]] = {
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

TRANSFORMERS: Mapping[str, Callable[[Draw], Arguments]] = {
    name: draw for short, (function, draw) in _SHORT.items() for name in (short, function)
}

CASES: Mapping[str, Mapping[str, Callable[[Draw], Arguments]]] = {
    "torch": TORCH,
    "keras": KERAS,
    "timm": TIMM,
    "optax": OPTAX,
    "transformers": TRANSFORMERS,
}
"""By the library and the name of the schedule: a function that draws its arguments."""

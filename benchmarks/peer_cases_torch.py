"""Arguments at random for the schedules of PyTorch and Keras."""

from peer_draws import Arguments, Cases, Draw


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


TORCH: Cases = {
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

KERAS: Cases = {
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

"""The cycle in scalar float64, from the equations: what the cyclical schedules are held against."""

import math

import log_anneal as la

WEIGHTS = {
    # `t` steps into a cycle of `d` steps, the `k`-th whole step of it.
    "anchored": lambda t, d, k, base: 1 - math.log(1 + (base - 1) * t / d) / math.log(base),
    "equation_4": lambda t, d, k, base: (1 + math.log(math.pi * d / (k + 1), base)) / 2,
    "author_release": lambda t, d, k: (1 - (math.log(k) / math.log(d) if k > 1 else 0)) / 2,
    "cosine": lambda t, d, k: (1 + math.cos(math.pi * t / d)) / 2,
    "linear": lambda t, d, k: 1 - t / d,
    "polynomial": lambda t, d, k, power: (1 - t / d) ** power,
    "exponential": lambda t, d, k, base: (base ** (1 - t / d) - 1) / (base - 1),
    "own": lambda t, d, k: math.cos(math.pi / 2 * t / d),
}

FACTORIES = {
    "anchored": la.cyclical_log_schedule,
    "equation_4": la.cyclical_log_schedule,
    "author_release": la.cyclical_log_schedule,
    "cosine": la.cyclical_cosine_schedule,
    "linear": la.cyclical_linear_schedule,
    "polynomial": la.cyclical_polynomial_schedule,
    "exponential": la.cyclical_exponential_schedule,
    "own": la.cyclical_schedule,
}

FIELDS = {
    "anchored": {"base": 20.0},
    "equation_4": {"base": 50.0, "form": "equation_4"},
    "author_release": {"form": "author_release"},
    "polynomial": {"power": 1.7},
    "exponential": {"base": 30.0},
    "own": {"shape": lambda progress, xp: xp.cos(progress * (xp.pi / 2))},
}


def make(shape, **cycle):
    """The schedule."""
    return FACTORIES[shape](**cycle, **FIELDS.get(shape, {}))


def value(
    step, shape, *, peak_value, end_value, decay_steps, init_value=0.0, warmup_steps=0,
    warmup_shape="same", restart_steps=None, restart_multiplier=1, restart_value=None,
    restart_decay=None, restart_warmup_steps=None, num_restarts=None, final_value=None,
    **of_shape,
):  # fmt: skip
    """The value at a whole step of a cycle whose durations and multiplier are Fractions or floats.

    Real ones make it the continuous function that has the gradients.
    """
    begin, length = 0, warmup_steps
    start, end = init_value, peak_value
    is_warmup, n = step < warmup_steps, None
    if not is_warmup:
        begin, length, start, end = warmup_steps, decay_steps, peak_value, end_value
    if step >= warmup_steps + decay_steps:
        begin, length, n = warmup_steps + decay_steps, restart_steps or 0, 0
        while length >= 1 and n != num_restarts and step >= begin + length:
            begin, length, n = begin + length, length * restart_multiplier, n + 1
        if length < 1 or n == num_restarts:
            return end_value if final_value is None else final_value
        start = peak_value if restart_value is None else restart_value
        start = start * (1 if restart_decay is None else restart_decay) ** n
    t = step - begin
    if n is not None and restart_warmup_steps:
        if t < restart_warmup_steps:
            return end_value + (start - end_value) * float(t / restart_warmup_steps)
        begin, length = begin + restart_warmup_steps, length - restart_warmup_steps
        t = t - restart_warmup_steps
    # A float just above a whole number is one that a difference has moved.
    k = step - math.ceil(begin - (1e-3 if isinstance(begin, float) else 0))
    if is_warmup and warmup_shape != "same":
        shape, of_shape = warmup_shape, {}
    of_start = WEIGHTS[shape](float(t), float(length), k, **of_shape)
    value = end + (start - end) * of_start
    return abs(value) if shape == "equation_4" else value


def numbers_of(shape):
    """The arguments of the shape's equation."""
    fields = FIELDS.get(shape, {})
    return {name: fields[name] for name in ("base", "power") if name in fields}

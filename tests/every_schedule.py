"""One list of schedules, for the laws."""

import log_anneal as la
from log_anneal.compat.curves import (
    CosineWavesSchedule,
    InverseTimeSchedule,
    PolynomialCyclesSchedule,
)
from log_anneal.compat.cyclical_curves import (
    CyclicalCosinePowerSchedule,
    CyclicalPolynomialPowerSchedule,
    CyclicalTanhSchedule,
)

CYCLE = {
    "peak_value": 0.1,
    "end_value": 1e-3,
    "decay_steps": 10,
    "init_value": 1e-4,
    "warmup_steps": 5,
    "restart_steps": 10,
    "restart_multiplier": 2.0,
}
AS_PRINTED = CYCLE | {"peak_value": 1e-4, "init_value": 0.01, "restart_value": 0.1}

RANGE = {"init_value": 0.001, "peak_value": 0.006, "up_steps": 8}
RISE = la.polynomial_schedule(init_value=0.0, end_value=0.1, decay_steps=5)
FALL = la.polynomial_schedule(init_value=0.1, end_value=0.001, decay_steps=7, power=2.0)
COSINE = la.cyclical_cosine_schedule(**CYCLE)


def quarter_wave(progress, xp):
    return xp.cos(progress * (xp.pi / 2))


def plain_optax(step):
    return 0.1 / (1.0 + step)


EVERY_SCHEDULE = [
    la.constant_schedule(0.1),
    la.step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.1),
    la.step_decay_schedule(init_value=0.5, decay_steps=7, decay_rate=0.97, end_value=0.01),
    la.multi_step_schedule(init_value=0.1, milestones=[5, 12, 13, 30], decay_rate=0.2),
    la.cyclical_log_schedule(**CYCLE),
    la.cyclical_log_schedule(**AS_PRINTED),
    la.cyclical_log_schedule(peak_value=0.4, end_value=0.0, decay_steps=100, base=50.0),
    la.cyclical_log_schedule(**CYCLE | {"restart_multiplier": 0.5}, base=1.000001),
    la.cyclical_log_schedule(**CYCLE | {"restart_multiplier": 1.1}, base=1e18),
    la.cyclical_log_schedule(**CYCLE | {"restart_multiplier": 1.05}, restart_value=0.05),
    la.cyclical_log_schedule(**CYCLE, form="equation_4"),
    la.cyclical_log_schedule(**AS_PRINTED, form="equation_4"),
    la.cyclical_log_schedule(**CYCLE, form="author_release"),
    COSINE,
    la.cyclical_cosine_schedule(**AS_PRINTED),
    la.cyclical_cosine_schedule(peak_value=0.1, end_value=0.0, decay_steps=7, restart_steps=5),
    la.cyclical_cosine_schedule(
        **CYCLE,
        warmup_shape="linear",
        restart_decay=0.5,
        restart_warmup_steps=3,
        num_restarts=3,
        final_value=0.002,
    ),
    la.sgdr_schedule(
        peak_value=0.1, end_value=0.001, restart_steps=10, restart_multiplier=2.0, warmup_steps=3
    ),
    la.cyclical_linear_schedule(**CYCLE, warmup_shape="cosine", restart_decay=0.9),
    la.cyclical_polynomial_schedule(**CYCLE, power=2.0, restart_warmup_steps=4),
    la.cyclical_polynomial_schedule(**CYCLE, power=0.5),
    la.cyclical_exponential_schedule(**CYCLE),
    la.clr_schedule(**RANGE),
    la.clr_schedule(**RANGE, down_steps=24, cycle_decay=0.5),
    la.clr_schedule(**RANGE, down_steps=3, window="parabolic", step_decay=0.999),
    la.clr_schedule(init_value=0.95, peak_value=0.85, up_steps=9, window="sinusoidal"),
    la.exponential_schedule(init_value=0.1, decay_steps=10, decay_rate=0.7, end_value=0.001),
    la.polynomial_schedule(init_value=0.1, end_value=0.001, decay_steps=10, power=3.0),
    RISE,
    la.inverse_sqrt_schedule(peak_value=0.1, warmup_steps=7),
    la.inverse_sqrt_schedule(peak_value=0.1, warmup_steps=0, timescale_steps=50),
    la.rex_schedule(init_value=0.1, decay_steps=20),
    la.warmup_stable_decay_schedule(
        peak_value=0.1, warmup_steps=5, stable_steps=10, decay_steps=8, end_value=0.001
    ),
    la.warmup_stable_decay_schedule(
        peak_value=0.1, stable_steps=10, decay_steps=8, cooldown="1-sqrt"
    ),
    la.warmup_stable_decay_schedule(
        peak_value=0.1, warmup_steps=5, stable_steps=0, decay_steps=8, cooldown="cosine"
    ),
    la.one_cycle_schedule(peak_value=0.1, warmup_steps=9.5, decay_steps=20.25),
    la.one_cycle_schedule(
        peak_value=0.1, warmup_steps=10, decay_steps=10, final_steps=5, shape="linear"
    ),
    la.one_cycle_schedule(peak_value=0.1, warmup_steps=10, decay_steps=20).momentum(),
    la.tabulated_schedule([0.1, 0.05, 0.2, 0.0], interval_steps=5),
    la.tabulated_schedule([0.1, 0.05, 0.2], interval_steps=5, interpolation="linear"),
    la.chain([RISE, (0.1, 6), FALL]),
    la.chain([(FALL, 4), COSINE]),
    la.loop(la.chain([RISE, FALL])),
    la.loop(COSINE, 40),
    la.shift(COSINE, 7),
    la.shift(FALL, -3),
    COSINE * 0.5,
    la.clip(COSINE, 0.01, 0.05),
    RISE + la.clr_schedule(**RANGE),
    1 - COSINE,
]

OF_FUNCTIONS = [
    la.cyclical_schedule(**CYCLE, shape=quarter_wave),
    la.function_schedule(function=plain_optax),
    la.chain([RISE, (plain_optax, 10), COSINE]),
]
"""JSON cannot hold these, nor does their repr read back."""


ONE_OF_EACH_CLASS = list({type(schedule): schedule for schedule in EVERY_SCHEDULE}.values())

OF_PEERS = [
    InverseTimeSchedule(init_value=0.1, decay_steps=9),
    PolynomialCyclesSchedule(init_value=0.1, end_value=0.01, decay_steps=9),
    CosineWavesSchedule(peak_value=0.1, decay_steps=9),
    CyclicalCosinePowerSchedule(**CYCLE, k=2.0),
    CyclicalPolynomialPowerSchedule(**CYCLE, k=2.0, power=2.0),
    CyclicalTanhSchedule(**CYCLE),
]
"""Kinds of `compat`, for the curves of other libraries."""

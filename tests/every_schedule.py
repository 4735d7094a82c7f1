"""One list of schedules for the laws, and every way in which JAX runs one."""

import jax
import jax.numpy as jnp
import numpy as np

import log_anneal as la

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

EVERY_SCHEDULE = [
    la.constant_schedule(0.1),
    la.step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.1),
    la.step_decay_schedule(init_value=0.5, decay_steps=7, decay_rate=0.97, end_value=0.01),
    la.cyclical_log_schedule(**CYCLE),
    la.cyclical_log_schedule(**AS_PRINTED),
    la.cyclical_log_schedule(peak_value=0.4, end_value=0.0, decay_steps=100, base=50.0),
    la.cyclical_log_schedule(**CYCLE | {"restart_multiplier": 0.5}, base=1.000001),
    la.cyclical_log_schedule(**CYCLE | {"restart_multiplier": 1.1}, base=1e18),
    la.cyclical_log_schedule(**CYCLE | {"restart_multiplier": 1.05}, restart_value=0.05),
    la.cyclical_log_schedule(**CYCLE, form="equation_4"),
    la.cyclical_log_schedule(**AS_PRINTED, form="equation_4"),
    la.cyclical_cosine_schedule(**CYCLE),
    la.cyclical_cosine_schedule(**AS_PRINTED),
    la.cyclical_cosine_schedule(peak_value=0.1, end_value=0.0, decay_steps=7, restart_steps=5),
]


ONE_OF_EACH_CLASS = list({type(schedule): schedule for schedule in EVERY_SCHEDULE}.values())


@jax.jit
def _jit(schedule, steps):
    return schedule(steps)


@jax.jit
def _vmap(schedule, steps):
    return jax.vmap(schedule)(steps)


@jax.jit
def _scan(schedule, steps):
    return jax.lax.scan(lambda carry, step: (carry, schedule(step)), 0, steps)[1]


@jax.jit
def _branch(schedule, steps):
    return jax.lax.cond(steps[0] < 0, lambda steps: 0.0 * steps, schedule, steps)


@jax.jit
def _jit_in_jit(schedule, steps):
    return jax.jit(schedule)(steps)


@jax.jit
def _checkpoint(schedule, steps):
    return jax.checkpoint(schedule)(steps)


_on_all_devices = jax.pmap(lambda schedule, steps: schedule(steps), in_axes=(None, 0))


def _pmap(schedule, steps):
    devices = jax.local_device_count()
    parts = jnp.resize(steps, (devices, -(-len(steps) // devices)))
    return np.asarray(_on_all_devices(schedule, parts)).ravel()[: len(steps)]


MODES = {
    "eager": lambda schedule, steps: np.stack([schedule(step) for step in steps.tolist()]),
    "vector": lambda schedule, steps: schedule(steps),
    "jit": _jit,
    "closure": lambda schedule, steps: jax.jit(lambda step: schedule(step))(steps),
    "vmap": _vmap,
    "scan": _scan,
    "branch": _branch,
    "jit in jit": _jit_in_jit,
    "checkpoint": _checkpoint,
    "pmap": _pmap,
}

"""Learns a schedule by gradient descent: the final loss, differentiated through the training.

    python docs/hypergradient.py

A schedule is a pytree, so `jax.grad` of a whole run with respect to it is a schedule too, of
slopes. The run is SGD on noisy quadratics, where a rate that is too low does not arrive and one
that is too high is thrown about by the noise. The descent is on the logarithms of the fields, since
they are scales, and is checked on noise that it never saw. It moves no duration, which must stay
whole, but tells their slopes.

    x_(t+1) = x_t - eta_t (h x_t + sqrt(h) n_t),    loss = sum(h x^2) / 2,    n_t ~ N(0, 1)

References: Zhang et al. 2019, arXiv:1907.04164 (the noisy quadratic); Maclaurin et al. 2015,
arXiv:1502.03492 (gradients of hyperparameters through training).
"""

import dataclasses
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

import log_anneal as la

CURVATURES = jnp.logspace(-2, 0, 16)
"""h: from flat to steep, as in a network."""

SCHEDULE = la.cyclical_log_schedule(
    peak_value=0.02,
    end_value=1e-3,
    decay_steps=100,
    warmup_steps=20,
    restart_steps=100,
    restart_value=0.02,
    base=10.0,
)
LEARNT = ("peak_value", "restart_value", "base")
TOLD = ("end_value", "warmup_steps", "decay_steps", "restart_steps", "restart_multiplier")


def final_loss(schedule: la.Schedule, key: jax.Array, num_steps: int) -> jax.Array:
    """The loss after a run, its noise drawn by the key."""

    def update(x: jax.Array, step: jax.Array) -> tuple[jax.Array, None]:
        noise = jax.random.normal(jax.random.fold_in(key, step), x.shape)
        gradient = CURVATURES * x + jnp.sqrt(CURVATURES) * noise
        return x - schedule(step) * gradient, None

    x, _ = jax.lax.scan(update, jnp.full_like(CURVATURES, 3.0), jnp.arange(num_steps))
    return jnp.sum(CURVATURES * x**2) / 2


def mean_loss(schedule: la.Schedule, keys: jax.Array, num_steps: int) -> jax.Array:
    """The mean over one run a key."""
    return jax.vmap(lambda key: final_loss(schedule, key, num_steps))(keys).mean()


losses_of = jax.jit(jax.vmap(mean_loss, in_axes=(0, None, None)), static_argnums=2)
# Beside its real fields a schedule holds whole numbers, which get no slope.
loss_and_slopes = jax.jit(jax.value_and_grad(mean_loss, allow_int=True), static_argnums=2)


def elasticities(
    schedule: la.Schedule, fields: Sequence[str], keys: jax.Array, num_steps: int
) -> dict[str, float]:
    """`d log(loss) / d log(field)`: by what percentage 1 % more of each field changes the loss."""
    loss, slopes = jax.device_get(loss_and_slopes(schedule, keys, num_steps))
    return {name: float(getattr(schedule, name) * getattr(slopes, name) / loss) for name in fields}


def descend(
    schedule: la.Schedule, fields: Sequence[str], keys: jax.Array, num_steps: int, num_updates: int
) -> la.Schedule:
    """Divides each field by e to the power of its elasticity, so many times."""
    for _ in range(num_updates):
        slopes = elasticities(schedule, fields, keys, num_steps)
        changed = {name: getattr(schedule, name) / math.exp(slopes[name]) for name in fields}
        schedule = dataclasses.replace(schedule, **changed)
    return schedule


def main() -> None:
    """Learns, and prints what was learnt; a grid over one peak for all cycles is the rival."""
    num_steps = 320
    seen, held_out = jax.random.split(jax.random.key(0), (2, 64))
    learnt = descend(SCHEDULE, LEARNT, seen, num_steps, 60)
    for name in LEARNT:
        print(f"{name:>18}  {getattr(SCHEDULE, name):7.4f} -> {getattr(learnt, name):7.4f}")
    for name, keys in (("loss, noise seen", seen), ("loss, held out", held_out)):
        before, after = losses_of(la.stack([SCHEDULE, learnt]), keys, num_steps)
        print(f"{name:>18}  {before:7.4f} -> {after:7.4f}")

    peaks = np.geomspace(0.02, 2.0, 40).tolist()
    grid = [dataclasses.replace(SCHEDULE, peak_value=p, restart_value=p) for p in peaks]
    losses = losses_of(la.stack(grid), held_out, num_steps)
    best = int(losses.argmin())
    print(f"{'best of the grid':>18}  {losses[best]:7.4f} held out, at a peak of {peaks[best]:.3f}")

    print("\n1 % more of it changes the learnt loss by")
    for name, slope in elasticities(learnt, TOLD, seen, num_steps).items():
        print(f"{name:>18}  {slope:+.4f} %")


if __name__ == "__main__":
    main()

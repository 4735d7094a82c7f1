"""One cosine with restarts, from 1 to 0: each library's own, as a function of the steps."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import peers
from peers import Values

from log_anneal import Schedule, compat


def ours(steps: Sequence[int], interval: int, multiplier: float) -> Values:
    """On the host."""
    return np.asarray(schedule(interval, multiplier).at(np.asarray(steps)))


def ours_on_device(steps: Sequence[int], interval: int, multiplier: float) -> Values:
    """In float32."""
    return np.asarray(schedule(interval, multiplier)(jnp.asarray(steps, jnp.int32)), np.float64)


def schedule(interval: int, multiplier: float) -> Schedule:
    """Ours."""
    return compat.torch_schedule(
        "CosineAnnealingWarmRestarts", base_lr=1.0, T_0=interval, T_mult=multiplier
    )


def torch(steps: Sequence[int], interval: int, multiplier: float) -> Values:
    """By `step(epoch)`."""
    return peers.torch_closed(steps, 1.0, interval, int(multiplier))


def timm(steps: Sequence[int], interval: int, multiplier: float) -> Values:
    """Without a limit on the cycles."""
    return peers.timm_cosine(
        steps, base_lr=1.0, t_initial=interval, cycle_mul=multiplier, cycle_limit=10**9
    )


def keras(
    steps: Sequence[int], interval: int, multiplier: float, floatx: str = "float32"
) -> Values:
    """In float32, which is Keras's default."""
    start = {"initial_learning_rate": 1.0, "first_decay_steps": interval}
    return peers.keras_restarts(steps, floatx, **start, t_mul=float(multiplier))


def pytorch_optimizer(steps: Sequence[int], interval: int, multiplier: float) -> Values:
    """Without its decay of the peak."""
    return peers.pytorch_optimizer_restarts(
        steps, first_cycle_steps=interval, cycle_mult=multiplier, max_lr=1.0, min_lr=0.0, gamma=1.0
    )

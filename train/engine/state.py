"""TrainState: all that a run needs to go on, as one plain pytree."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from train.tasks.task import Learner

NUM_RECENT = 64
"""How many losses are remembered, to tell a spike from what is usual."""


class TrainState(NamedTuple):
    """The state that a step reads and writes. A checkpoint holds it as NumPy arrays."""

    step: jax.Array
    """The number of updates made, int32."""
    seed: jax.Array
    """The seed of every random draw, uint32."""
    params: Any
    batch_stats: Any
    opt_state: optax.OptState
    halted: jax.Array
    """Whether the guard has halted the run. Then nothing changes any more until the next start."""
    watch_from: jax.Array
    """The step from which on the loss is compared with what halts the run, int32."""
    recent: jax.Array
    """The losses of the last steps that were made, in nats, float32 [64], the oldest first. NaN
    where there are no more."""
    skipped: jax.Array
    """How many steps in a row were skipped, int32."""


def create(
    seed: jax.typing.ArrayLike,
    learner: Learner,
    optimizer: optax.GradientTransformation,
    *,
    watch_from: jax.typing.ArrayLike,
) -> TrainState:
    """Returns the state before the first step. It is a pure function of the seed."""
    params, batch_stats = learner.init(jax.random.key(seed))
    return TrainState(
        step=jnp.int32(0),
        seed=jnp.uint32(seed),
        params=params,
        batch_stats=batch_stats,
        opt_state=optimizer.init(params),
        halted=jnp.bool_(False),
        watch_from=jnp.int32(watch_from),
        recent=jnp.full(NUM_RECENT, jnp.nan, jnp.float32),
        skipped=jnp.int32(0),
    )

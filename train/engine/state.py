"""TrainState: all that a run needs to go on, one plain pytree."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from train.models.model import Model


class TrainState(NamedTuple):
    """What a step reads and writes; a checkpoint is this, as NumPy arrays."""

    step: jax.Array
    """int32: updates made."""
    seed: jax.Array
    """uint32: of every random draw."""
    params: Any
    batch_stats: Any
    opt_state: optax.OptState
    halted: jax.Array
    """bool: the guard has tripped, and nothing changes any more, until the next start."""
    watch_from: jax.Array
    """int32: the step from which the loss is held against the halting threshold."""


def create(
    seed: jax.typing.ArrayLike,
    model: Model,
    optimizer: optax.GradientTransformation,
    *,
    watch_from: jax.typing.ArrayLike,
) -> TrainState:
    """The state before the first step; a pure function of the seed."""
    params, batch_stats = model.init(jax.random.key(seed))
    return TrainState(
        step=jnp.int32(0),
        seed=jnp.uint32(seed),
        params=params,
        batch_stats=batch_stats,
        opt_state=optimizer.init(params),
        halted=jnp.bool_(False),
        watch_from=jnp.int32(watch_from),
    )

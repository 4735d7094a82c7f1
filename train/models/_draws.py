"""Layers that draw random numbers in training. Each image has a key of its own.

So a draw depends neither on the number of devices nor on the microbatches. A layer folds its
`stream` into the keys, a number that no other layer of the network has. No layer keeps a state.
"""

import jax
import jax.numpy as jnp
from flax import nnx


class Dropout(nnx.Module):
    """Dropout: in training `x m / (1 - rate)`, in evaluation `x`.

    For each number of x, m is 0 with the probability `rate`, else 1.

    Reference: Srivastava et al. 2014, JMLR 15, who scale in evaluation instead, by `1 - rate`.
    """

    def __init__(self, rate: float, *, stream: int) -> None:
        self.rate, self.stream = rate, stream
        self.deterministic = False  # `nnx.Module.eval` sets it by this name.

    def __call__(self, x: jax.Array, keys: jax.Array) -> jax.Array:
        """Maps x [b, ...] and typed keys [b] to [b, ...]."""
        if self.deterministic or self.rate == 0:
            return x
        keys = jax.vmap(jax.random.fold_in, (0, None))(keys, self.stream)
        kept = jax.vmap(lambda key: jax.random.bernoulli(key, 1 - self.rate, x.shape[1:]))(keys)
        return jnp.where(kept, x / (1 - self.rate), 0)


class StochasticDepth(nnx.Module):
    """The factors of the residual branches of L blocks: 1 or 0 in training, `p_l` in evaluation.

    Block l = 1, ..., L survives with probability `p_l = 1 - (l / L) (1 - p_L)`, where p_L is
    `last_survival`. Here each image has draws of its own. In the paper a whole mini-batch shares
    its draws: that saves the time of the blocks that are left out, but the gradient is noisier.

    Reference: Huang et al. 2016, arXiv 1603.09382, equations 2, 4 and 5.
    """

    def __init__(self, num_blocks: int, last_survival: float, *, stream: int) -> None:
        self.num_blocks, self.last_survival, self.stream = num_blocks, last_survival, stream
        self.deterministic = False  # `nnx.Module.eval` sets it by this name.

    def __call__(self, keys: jax.Array) -> jax.Array:
        """Maps typed keys [b] to float32 [L, b, 1, 1, 1], or [L, 1, 1, 1, 1] in evaluation."""
        blocks = jnp.arange(1, self.num_blocks + 1, dtype=jnp.float32)
        survival = 1 - blocks / self.num_blocks * (1 - self.last_survival)
        if self.deterministic:
            return survival.reshape(-1, 1, 1, 1, 1)
        keys = jax.vmap(jax.random.fold_in, (0, None))(keys, self.stream)
        # One draw for all blocks: XLA:CPU takes long to compile each.
        kept = jax.vmap(jax.random.bernoulli, (0, None), 1)(keys, survival)
        return kept.astype(jnp.float32).reshape(*kept.shape, 1, 1, 1)

"""From an NNX module to a pair of pure functions over plain dicts."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx

Arrays: TypeAlias = dict[str, Any]
"""Nested dicts with string keys and float32 arrays as leaves."""
Normal: TypeAlias = Callable[[Sequence[int]], jax.Array]
"""Standard normal numbers of a shape, other ones at each call."""


class Init(Protocol):
    """A key -> fresh parameters and batch statistics."""

    def __call__(self, key: jax.Array) -> tuple[Arrays, Arrays]:
        """Draws the parameters from the key."""
        ...


class Apply(Protocol):
    """Images -> logits, and the batch statistics after them."""

    def __call__(
        self, params: Arrays, batch_stats: Arrays, images: jax.Array, train: bool, key: jax.Array
    ) -> tuple[jax.Array, Arrays]:
        """Computes logits for images, in training with the statistics of the batch."""
        ...


@dataclass(frozen=True)
class Model:
    """A network as two pure functions.

    `init(key)` returns `(params, batch_stats)`, nested dicts of float32 arrays.

    `apply(params, batch_stats, images, train, key)` maps images, float32 [b, 32, 32, 3], to
    logits, float32 [b, num_classes], and returns the batch statistics with them: moved by this
    batch when `train` (a Python bool), else as they came. `key` is an array of typed keys, [b],
    one an image, for layers that draw in training; where none does, any key will do.
    """

    init: Init
    apply: Apply


def functional(
    make: Callable[[Normal], nnx.Module], *, average_batch_stats_over: str | None
) -> Model:
    """The model that `make` builds.

    Args:
      make: builds the module, whose only variables are Param and BatchStat, from a source of
        standard normal numbers. Called for its structure once, and again by each `init`.
      average_batch_stats_over: axis of devices whose batch statistics are averaged after each
        training batch, because each has normalised with its own.
    """
    graphdef, shapes, _ = _split(nnx.eval_shape(lambda: make(jnp.zeros)))

    def init(key: jax.Array) -> tuple[Arrays, Arrays]:
        # XLA:CPU takes about a second to compile a draw: one serves all parameters.
        _, params, batch_stats = _split(make(_source(key, num_params(shapes))))
        return params, batch_stats

    def apply(
        params: Arrays, batch_stats: Arrays, images: jax.Array, train: bool, key: jax.Array
    ) -> tuple[jax.Array, Arrays]:
        states = nnx.restore_int_paths(params), nnx.restore_int_paths(batch_stats)
        module = nnx.merge(graphdef, *states)
        if not train:
            module.eval()
        logits = module(images, key)
        _, _, batch_stats = _split(module)
        if train and average_batch_stats_over is not None:
            batch_stats = jax.lax.pmean(batch_stats, average_batch_stats_over)
        return logits, batch_stats

    return Model(init, apply)


def num_params(params: Any) -> int:
    """How many numbers a pytree of arrays (or of their shapes) holds."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def _source(key: jax.Array, size: int) -> Normal:
    """Cuts one draw of `size` numbers into arrays."""
    numbers, start = jax.random.normal(key, (size,)), 0

    def normal(shape: Sequence[int]) -> jax.Array:
        nonlocal start
        start += math.prod(shape)
        return numbers[start - math.prod(shape) : start].reshape(shape)

    return normal


def _split(module: nnx.Module) -> tuple[nnx.GraphDef[nnx.Module], Arrays, Arrays]:
    # Raises where a variable is neither: a layer that draws would keep its generator's count.
    graphdef, *states = nnx.split(module, nnx.Param, nnx.BatchStat)
    params, batch_stats = map(_plain, states)
    return graphdef, params, batch_stats


def _plain(state: nnx.State[Any, Any]) -> Arrays:
    return _string_keys(nnx.to_pure_dict(state))


def _string_keys(tree: Mapping[Any, Any]) -> Arrays:
    """A list of modules has integers for keys, which Orbax would turn into strings."""
    return {
        str(key): _string_keys(child) if isinstance(child, Mapping) else child
        for key, child in tree.items()
    }

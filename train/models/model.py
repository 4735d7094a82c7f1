"""Turns an NNX module into a pair of pure functions over plain dicts."""

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
"""A function that draws standard normal numbers of a shape, new ones at each call."""


class Init(Protocol):
    """The function from a key to new parameters and batch statistics."""

    def __call__(self, key: jax.Array) -> tuple[Arrays, Arrays]:
        """Draws the parameters from the key."""
        ...


class Apply(Protocol):
    """The function from images to logits, and to the batch statistics after them."""

    def __call__(
        self, params: Arrays, batch_stats: Arrays, images: jax.Array, train: bool, key: jax.Array
    ) -> tuple[jax.Array, Arrays]:
        """Computes logits for images. In training it uses the statistics of the batch."""
        ...


@dataclass(frozen=True)
class Model:
    """A network as two pure functions.

    `init(key)` returns `(params, batch_stats)`, nested dicts of float32 arrays.

    `apply(params, batch_stats, images, train, key)` maps images, float32 [b, 32, 32, 3], to
    logits, float32 [b, num_classes]. It returns the batch statistics with them. If `train` (a
    Python bool) is true, this batch has moved them; else they are unchanged. `key` holds typed
    keys, [b], one for each image, for layers that draw in training. If no layer draws, any key
    will do.
    """

    init: Init
    apply: Apply


def functional(
    make: Callable[[Normal], nnx.Module], *, average_batch_stats_over: str | None
) -> Model:
    """Returns the model that `make` builds.

    Args:
      make: builds the module from a source of standard normal numbers. Its only variables are Param
        and BatchStat. It is called once for the structure, and again by each `init`.
      average_batch_stats_over: the axis of devices whose batch statistics are averaged after each
        training batch, because each device has normalised with its own. None: they are equal.
    """
    graphdef, shapes, _ = _split(nnx.eval_shape(lambda: make(jnp.zeros)))

    def init(key: jax.Array) -> tuple[Arrays, Arrays]:
        # XLA:CPU takes about a second to compile a draw, so one draw serves all parameters.
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
    """Returns how many numbers a pytree of arrays, or of their shapes, holds."""
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
    # It raises if a variable is of another kind, such as the counter of a random generator.
    graphdef, *states = nnx.split(module, nnx.Param, nnx.BatchStat)
    params, batch_stats = map(plain, states)
    return graphdef, params, batch_stats


def plain(state: nnx.State[Any, Any]) -> Arrays:
    """Returns a state of NNX as nested dicts with string keys."""
    return _string_keys(nnx.to_pure_dict(state))


def _string_keys(tree: Mapping[Any, Any]) -> Arrays:
    """Makes all keys strings. Those of a list of modules are integers, which Orbax would change."""
    return {
        str(key): _string_keys(child) if isinstance(child, Mapping) else child
        for key, child in tree.items()
    }

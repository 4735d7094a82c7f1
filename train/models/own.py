"""Turns a network of the user's own into a pair of pure functions."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from train.errors import UserError
from train.models.model import Arrays, Model, plain

_WAY_OUT = "See docs/own_network.md."


def build_own(builder: Callable[..., Any], *, num_classes: int, axis_name: str | None) -> Model:
    """Returns the model that a user's function builds.

    Args:
      builder: the function `(num_classes, rngs) -> network`, as `ModelConfig.builder` has it.
      num_classes: length of the logits.
      axis_name: the axis of devices over which the batch statistics are averaged after each
        training batch. None: there is no such axis.

    Raises:
      UserError: it fails, or builds no network for these images and classes.
    """
    kinds = []

    def make(key: jax.Array) -> Any:
        module = builder(num_classes, nnx.Rngs(key))
        kinds.append(type(module))
        return module

    built = _tried("builder", lambda: nnx.eval_shape(lambda: make(jax.random.key(0))))
    if not issubclass(kinds[0], nnx.Module):
        raise UserError(
            f"`model.builder` must return an nnx.Module, got {kinds[0].__name__}. {_WAY_OUT}"
        )
    model = _functional(make, built, axis_name)
    _check_logits(model, num_classes, axis_name)
    return model


def _functional(
    make: Callable[[jax.Array], Any], built: nnx.Module, axis_name: str | None
) -> Model:
    graphdef, _, _, template = _split(built)

    def init(key: jax.Array) -> tuple[Arrays, Arrays]:
        _, params, batch_stats, _ = _split(make(key))
        return plain(params), plain(batch_stats)

    def apply(
        params: Arrays, batch_stats: Arrays, images: jax.Array, train: bool, key: jax.Array
    ) -> tuple[jax.Array, Arrays]:
        states = nnx.restore_int_paths(params), nnx.restore_int_paths(batch_stats)
        # Each device draws by the key of its first image: no two of them have the same.
        module = nnx.merge(graphdef, *states, _seeded(template, jnp.ravel(key)[0]))
        module.train() if train else module.eval()
        logits = module(images)
        _, _, stats, _ = _split(module)
        batch_stats = plain(stats)
        if train and axis_name is not None:
            batch_stats = jax.lax.pmean(batch_stats, axis_name)
        return jnp.asarray(logits, jnp.float32), batch_stats

    return Model(init, apply)


def _split(module: nnx.Module) -> tuple[Any, Any, Any, Any]:
    """Returns the structure, the parameters, the batch statistics and the random streams."""
    graphdef, *states = nnx.split(module, nnx.Param, nnx.BatchStat, nnx.RngState, ...)
    params, batch_stats, streams, others = states
    if kinds := sorted({type(each).__name__ for _, each in nnx.to_flat_state(others)}):
        raise UserError(
            "`model.builder` must build a network whose variables are nnx.Param and nnx.BatchStat, "
            f"got {', '.join(kinds)} too. A checkpoint would not hold them: leave them out."
        )
    return graphdef, params, batch_stats, streams


def _seeded(template: Any, key: jax.Array) -> Any:
    """Returns random streams that begin at a key: each stream's own, and no draw made yet."""
    leaves, tree = jax.tree.flatten(template)
    keys = iter(jax.random.split(key, len(leaves)))
    return jax.tree.unflatten(tree, [_begun(leaf, next(keys)) for leaf in leaves])


def _begun(leaf: jax.ShapeDtypeStruct, key: jax.Array) -> jax.Array:
    is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return key.reshape(leaf.shape) if is_key else jnp.zeros(leaf.shape, leaf.dtype)


def _check_logits(model: Model, num_classes: int, axis_name: str | None) -> None:
    """Tries the network on two images, on paper."""

    def logits(key: jax.Array, train: bool) -> jax.Array:
        images = jnp.zeros((2, 32, 32, 3), jnp.float32)
        return model.apply(*model.init(key), images, train, jax.random.split(key, 2))[0]

    keys = jax.random.split(jax.random.key(0), 1)
    for train in (False, True):
        on_devices = jax.vmap(functools.partial(logits, train=train), axis_name=axis_name)
        call = functools.partial(jax.eval_shape, on_devices, keys)
        shape = _tried("network", call).shape[1:]
        if shape != (2, num_classes):
            raise UserError(
                "`model.builder` must build a network that makes (batch, classes) logits of "
                f"(batch, 32, 32, 3) images, got {shape} for 2 images and {num_classes} classes. "
                f"{_WAY_OUT}"
            )


def _tried(what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except UserError:
        raise
    except Exception as error:  # a user's code raises anything
        said = (str(error).splitlines() or [""])[0]
        raise UserError(
            "`model.builder` must build a network, and the "
            f"{what} raises {type(error).__name__}: {said} {_WAY_OUT}"
        ) from error

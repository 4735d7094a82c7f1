"""Searches the best rates of least squares: a descent through the whole run, from several starts.

The loss is not convex in the rates, and rates far above the stable one may help, since a later step
undoes what they throw about. So a search finds a local minimum. What it returns is the best of
several, and how far the others are from it.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from train.least_squares import LeastSquares, sgd_loss

_Rates: TypeAlias = Callable[[jax.Array], jax.Array]
_MEMORY = 20  # the number of steps that L-BFGS remembers
_LEAST = 1e-6  # a start's lowest rate: a search in logarithms cannot begin at 0


@dataclasses.dataclass(frozen=True)
class Found:
    """What a search found."""

    rates: np.ndarray
    """The best rates that it found: [steps]."""
    loss: float
    """Their expected loss, as a share of the one at the start."""
    others: tuple[float, ...]
    """The losses that the searches from the other starts ended with."""
    slope: float
    """The largest slope of the logarithm of the loss that is left, along any of the search's
    variables. At a minimum it is 0."""


def search(
    problem: LeastSquares, noises: np.ndarray, starts: np.ndarray, *, falls: bool, num_updates: int
) -> list[Found]:
    """Returns the best rates of each noise, found from several starts.

    Args:
      problem: its `noise` is not read.
      noises: the variances of the labels' noise, [noises].
      starts: the rates to begin with, [noises, starts, steps].
      falls: whether the rates must never rise.
      num_updates: the number of steps of each search.
    """
    write, read = (_write_falling, _read_falling) if falls else (jnp.log, jnp.exp)
    starts = np.maximum(starts, _LEAST)
    if falls:
        starts = np.minimum.accumulate(starts, axis=-1)

    one = functools.partial(_descend, problem, read, num_updates)
    every = jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, 0)))
    rates, losses, slopes = map(
        np.asarray, every(noises, jax.vmap(jax.vmap(write))(jnp.asarray(starts)))
    )

    found = []
    for place, of_noise in enumerate(losses):
        best = int(np.nanargmin(of_noise))
        others = tuple(float(loss) for start, loss in enumerate(of_noise) if start != best)
        slope = float(slopes[place, best])
        found.append(Found(rates[place, best], float(of_noise[best]), others, slope))
    return found


def _descend(
    problem: LeastSquares, read: _Rates, num_updates: int, noise: jax.Array, start: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Returns the rates, the loss and the largest slope after a search by L-BFGS."""

    def loss(place: jax.Array) -> jax.Array:
        return jnp.log(sgd_loss(problem, noise, read(place)))

    solver = optax.lbfgs(memory_size=_MEMORY)
    value_and_slopes = optax.value_and_grad_from_state(loss)

    def update(carried: tuple[jax.Array, optax.OptState], _: None) -> tuple[Any, None]:
        place, state = carried
        value, slopes = value_and_slopes(place, state=state)
        step, state = solver.update(slopes, state, place, value=value, grad=slopes, value_fn=loss)
        return (optax.apply_updates(place, step), state), None

    (place, _), _ = jax.lax.scan(update, (start, solver.init(start)), None, length=num_updates)
    value, slopes = jax.value_and_grad(loss)(place)
    return read(place), jnp.exp(value), jnp.abs(slopes).max()


def _read_falling(place: jax.Array) -> jax.Array:
    """Returns rates that never rise: the first one, and how far the logarithm falls each step."""
    falls = jnp.concatenate([jnp.zeros(1), jnp.cumsum(jnp.exp(place[1:]))])
    return jnp.exp(place[0] - falls)


def _write_falling(rates: jax.Array) -> jax.Array:
    """Returns what `_read_falling` reads these rates from; a flat piece gets a slight fall."""
    falls = jnp.maximum(-jnp.diff(jnp.log(rates)), 1e-6)
    return jnp.concatenate([jnp.log(rates[:1]), jnp.log(falls)])

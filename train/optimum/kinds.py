"""Tries the schedules of a study on least squares: each at many base rates, in one program."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from train.changes import changed
from train.errors import UserError
from train.least_squares import LeastSquares, sgd_loss
from train.rates import rates_of
from train.study import Study

_RATES = 64  # the number of base rates that each pass tries
_SPAN = 1e4  # from the lowest base rate of the first pass to the highest one
AXIS = "schedule"


@dataclasses.dataclass(frozen=True)
class Tried:
    """A kind of schedule at its best base rate."""

    rates: np.ndarray
    """The rates, [steps]."""
    loss: float
    """The expected loss, as a share of the one at the start."""


def shapes(study: Study, num_steps: int) -> Mapping[str, np.ndarray]:
    """Returns the schedules of a study by their labels, each divided by its highest rate: [steps].

    Args:
      study: its axis `schedule` names them, with durations in epochs.
      num_steps: the length of the run that they are stretched to.

    Raises:
      UserError: it has no such axis, or a schedule that cannot be stretched to that length.
    """
    if AXIS not in study.axes:
        raise UserError(
            f"`study` must have an axis `{AXIS}`, got {', '.join(study.axes)}. Take a study that "
            "compares schedules, such as configs/study_schedules.py."
        )
    found = {}
    for label, changes in study.axes[AXIS].items():
        if not isinstance(changes, Mapping):
            raise UserError(
                f"`{AXIS}` must hold schedules that need no range test, got {label}. Take another "
                "study, such as configs/study_schedules.py."
            )
        config = changed(study.base, changes)
        if config.schedule_unit != "epochs" or num_steps % config.epochs:
            raise UserError(
                f"`steps` must be a multiple of the study's {config.epochs} epochs, and its "
                f"durations in epochs, got {num_steps} and {config.schedule_unit} for {label}. "
                "Take other steps, or another study."
            )
        rates = rates_of(config.schedule_in_steps(num_steps // config.epochs), num_steps)
        found[label] = rates.astype(float) / rates.max()
    return found


def try_all(
    problem: LeastSquares, noises: np.ndarray, kinds: Mapping[str, np.ndarray]
) -> list[Mapping[str, Tried]]:
    """Returns each kind at its best base rate, for each noise.

    A first pass tries base rates over four decades around a stable one. A second pass tries those
    around the best of them.

    Args:
      problem: its `noise` is not read.
      noises: the variances of the labels' noise, [noises].
      kinds: the shapes by their labels, [steps] each.
    """
    shape = np.stack(list(kinds.values()))
    losses = jax.jit(jax.vmap(jax.vmap(functools.partial(_losses, problem), (None, 0, 0)),
                              (0, None, 0)))  # fmt: skip
    coarse = problem.stable_rate() * np.geomspace(_SPAN**-0.5, _SPAN**0.5, _RATES)
    bases = np.broadcast_to(coarse, (len(noises), len(kinds), _RATES))
    best = _best(bases, np.asarray(losses(noises, shape, bases)))[0]

    near = np.geomspace(coarse[0] / coarse[1], coarse[1] / coarse[0], _RATES)
    bases = best[..., None] * near
    best, lowest = _best(bases, np.asarray(losses(noises, shape, bases)))
    return [
        {
            label: Tried(shape[kind] * best[noise, kind], float(lowest[noise, kind]))
            for kind, label in enumerate(kinds)
        }
        for noise in range(len(noises))
    ]


def _losses(
    problem: LeastSquares, noise: jax.Array, shape: jax.Array, bases: jax.Array
) -> jax.Array:
    """Returns the loss at each base rate, infinite where it diverges: [bases]."""
    losses = jax.vmap(lambda base: sgd_loss(problem, noise, base * shape))(bases)
    return jnp.where(jnp.isfinite(losses), losses, jnp.inf)


def _best(bases: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the base rate with the lowest loss, and that loss, along the last axis."""
    place = losses.argmin(-1)[..., None]
    base, loss = (np.take_along_axis(each, place, -1)[..., 0] for each in (bases, losses))
    return base, loss

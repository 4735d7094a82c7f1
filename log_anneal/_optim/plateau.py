"""A live schedule that falls when a metric stops improving."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from log_anneal._core.duration_kinds import Count
from log_anneal._core.field_kinds import Option, Real
from log_anneal._core.schedule import Schedule
from log_anneal._optim.live import live


class PlateauState(NamedTuple):
    """The state of a plateau rule, in the optimizer's state. All of it is plain arrays."""

    live: Any
    """The state of the live schedule that the rule scales."""
    scale: jax.Array
    """float32 []: by what the next update multiplies the value of the schedule."""
    best: jax.Array
    """float32 []: the best metric so far; not finite before the first."""
    num_bad: jax.Array
    """int32 []: how many metrics in a row were no improvement."""
    cooldown: jax.Array
    """int32 []: how many metrics will still be passed over after a reduction."""
    total: jax.Array
    """float32 []: the sum of the values whose mean is the next metric."""
    num_values: jax.Array
    """int32 []: how many values are in that sum."""


class Plateau:
    """A stateful schedule of optax; see `plateau`."""

    def __init__(
        self,
        schedule: Schedule,
        factor: float,
        patience: int,
        rtol: float,
        atol: float,
        cooldown: int,
        min_scale: float,
        mode: str,
        accumulation_size: int,
    ) -> None:
        self.live = live(schedule)
        self.factor = Real(most=1.0, way_out="Take 0.1, for example.").check("factor", factor)
        if self.factor in (0.0, 1.0):
            raise ValueError(
                f"`factor` must be above 0 and below 1, got {factor}. Take 0.1, for example."
            )
        none = "Take 0 for none."
        self.patience = Count(0, none).check("patience", patience)
        self.rtol = Real(most=1.0, way_out=none).check("rtol", rtol)
        self.atol = Real(way_out=none).check("atol", atol)
        self.cooldown = Count(0, none).check("cooldown", cooldown)
        self.min_scale = Real(most=1.0, way_out=none).check("min_scale", min_scale)
        way_out = 'Take "min" for a loss, "max" for an accuracy.'
        self.mode = Option(("min", "max"), way_out).check("mode", mode)
        way_out = "Take 1 to judge each value by itself."
        self.accumulation_size = Count(1, way_out).check("accumulation_size", accumulation_size)

    def init(self) -> PlateauState:
        """Returns the state at step 0, where no metric is known and the scale is 1."""
        worst = jnp.inf if self.mode == "min" else -jnp.inf
        return PlateauState(
            live=self.live.init(),
            scale=jnp.ones((), jnp.float32),
            best=jnp.full((), worst, jnp.float32),
            num_bad=jnp.zeros((), jnp.int32),
            cooldown=jnp.zeros((), jnp.int32),
            total=jnp.zeros((), jnp.float32),
            num_values=jnp.zeros((), jnp.int32),
        )

    def update(self, state: PlateauState, *, value: Any = None, **extra_args: Any) -> PlateauState:
        """Returns the state at the next step, whose scale has taken the value into account.

        Raises:
          TypeError: there is no `value`, or it is no real number.
          ValueError: it is not a single one.
        """
        total, count = state.total + _metric(value), state.num_values + 1
        is_whole = count == self.accumulation_size
        judged = self._judged(state, total / count)
        chosen = jax.tree.map(
            lambda new, old: jnp.where(is_whole, new, old), judged[1:], (*state[1:5], total, count)
        )
        return PlateauState(self.live.update(state.live, **extra_args), *chosen)

    def __call__(self, state: PlateauState, **extra_args: Any) -> jax.Array:
        """Returns the value of the schedule in the state, times the scale."""
        if not isinstance(state, PlateauState):
            raise TypeError(
                f"A plateau must be called with its state, got {state!r}. Give it to an optimizer "
                "by `optax.inject_hyperparams(optimizer)(learning_rate=plateau(schedule))`."
            )
        return self.live(state.live) * state.scale

    def _judged(self, state: PlateauState, metric: jax.Array) -> PlateauState:
        """Returns the state after a metric, in the order of PyTorch's `ReduceLROnPlateau`."""
        has_best = jnp.isfinite(state.best)
        best = jnp.where(has_best, state.best, 0)
        gain = best - metric if self.mode == "min" else metric - best
        is_gain = ~has_best | (gain > self.rtol * jnp.abs(best) + self.atol)
        is_better = jnp.isfinite(metric) & is_gain
        is_cooling = state.cooldown > 0
        num_bad = jnp.where(is_better | is_cooling, 0, state.num_bad + 1)
        is_flat = num_bad > self.patience
        reduced = jnp.maximum(state.scale * self.factor, self.min_scale)
        return state._replace(
            scale=jnp.where(is_flat, reduced, state.scale),
            best=jnp.where(is_better, metric, state.best),
            num_bad=jnp.where(is_flat, 0, num_bad),
            cooldown=jnp.where(is_flat, self.cooldown, jnp.maximum(state.cooldown - 1, 0)),
            total=jnp.zeros_like(state.total),
            num_values=jnp.zeros_like(state.num_values),
        )


def plateau(
    schedule: Schedule,
    *,
    factor: float = 0.1,
    patience: int = 10,
    rtol: float = 1e-4,
    atol: float = 0.0,
    cooldown: int = 0,
    min_scale: float = 0.0,
    mode: Literal["min", "max"] = "min",
    accumulation_size: int = 1,
) -> Plateau:
    """Lowers a live schedule by a factor whenever a metric has stopped improving.

        optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=plateau(schedule))
        updates, state = optimizer.update(grads, state, params, value=loss)

    The rate is the schedule's value times a scale, which is 1 at first. Each update reports a
    `value`. After more than `patience` metrics in a row that are no improvement, the scale is
    multiplied by `factor`, from the next update on. A metric that is not finite is no improvement.

    Everything it knows is in the optimizer's state, as arrays: it can be jitted, and a checkpoint
    goes on where it was. `swap` changes its schedule and leaves the scale. `current` tells the rate
    and the scale.

    Every update needs a `value`. If you measure a validation loss once an epoch, report it in each
    update until the next, and let `accumulation_size` be the number of updates in an epoch: then
    `patience` counts epochs. Over several devices, report the same value on each.

    Args:
      schedule: a schedule of this library, as for `live`.
      factor: what the scale is multiplied by. Above 0 and below 1.
      patience: how many metrics in a row may be no improvement. At least 0.
      rtol: how much better than the best a metric must be to be an improvement, as a part of the
        best. From 0 to 1.
      atol: how much better it must be besides, in the metric's unit. At least 0.
      cooldown: how many metrics after a reduction are passed over. At least 0.
      min_scale: the lowest scale. From 0 to 1.
      mode: "min" if a lower metric is better, as of a loss; "max" if a higher one is.
      accumulation_size: of how many values the mean is one metric. At least 1.

    Returns:
      What `optax.inject_hyperparams` takes for any hyperparameter. It is not an `optax.Schedule`.

    Raises:
      TypeError: `schedule` is no `Schedule`. An update raises it if it has no `value`.
      ValueError: an argument is out of its range.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> import log_anneal as la
      >>> rule = la.plateau(la.constant_schedule(0.5), factor=0.5, patience=1)
      >>> optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=rule)
      >>> state, rates = optimizer.init(jnp.ones(2)), []
      >>> for loss in [3.0, 2.0, 2.0, 2.0, 1.0]:
      ...     _, state = optimizer.update(jnp.ones(2), state, value=loss)
      ...     rates.append(float(state.hyperparams["learning_rate"]))
      >>> rates
      [0.5, 0.5, 0.5, 0.5, 0.25]

    References:
      PyTorch's `ReduceLROnPlateau` scales by the same rule at every step, where `rtol` alone or
      `atol` alone is its `threshold`, and `min_scale` its `min_lr` as a part of the rate; its `eps`
      is 0 here. `optax.contrib.reduce_on_plateau` is less patient by one metric, and applies a
      reduction in the same update. Both take `rtol` of a negative best metric the wrong way round,
      so that a worse one counts as an improvement; here `rtol` is a part of its size.
    """
    return Plateau(
        schedule, factor, patience, rtol, atol, cooldown, min_scale, mode, accumulation_size
    )


def _metric(value: Any) -> jax.Array:
    """Returns a reported value in float32."""
    if value is None:
        raise TypeError(
            "`value` must be given to each update of a `plateau`, and is missing. Report the "
            "metric: `optimizer.update(grads, state, params, value=loss)`."
        )
    metric = jnp.asarray(value)
    if jnp.issubdtype(metric.dtype, jnp.complexfloating):
        raise TypeError(f"`value` must be a real number, got {value!r}. Report its size.")
    if metric.shape:
        raise ValueError(
            f"`value` must be a single number, got shape {metric.shape}. Report its mean."
        )
    return metric.astype(jnp.float32)

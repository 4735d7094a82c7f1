"""One step of training and one of evaluation. Both are pure, and the same on every device."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from train.config import Config
from train.engine import guard
from train.engine.state import TrainState
from train.errors import UserError
from train.optimizer import learning_rate
from train.tasks.task import BATCH, DeviceData, Learner, Sums

_NETWORK = 2**32 - 1  # is folded into the keys of the network's draws; no example has this number

Metrics = dict[str, jax.Array]


def make_train_step(
    config: Config,
    learner: Learner,
    optimizer: optax.GradientTransformation,
    threshold: float | None,
) -> Callable[[TrainState, DeviceData, Any], tuple[TrainState, Metrics]]:
    """Makes the training step: `(state, data, rows) -> (state, metrics)`.

    The rows, [b, ...], are those of the examples of this device. The metrics are scalars, equal on
    all devices: loss, the measures of the task, grad_norm (before clipping), update_norm and the
    learning_rate of the update, all float32; and what the guard says of the step, see
    `guard.Judged`.
    """

    def step(state: TrainState, data: DeviceData, rows: Any) -> tuple[TrainState, Metrics]:
        key = jax.random.fold_in(jax.random.key(state.seed), state.step)
        num_examples = len(jax.tree.leaves(rows)[0])
        batch = learner.batch(data, rows, _keys(key, num_examples))
        keys = _keys(jax.random.fold_in(key, _NETWORK), num_examples)

        stats, parts = state.batch_stats, []
        for part in range(config.optimizer.microbatches):
            take = slice(part, None, config.optimizer.microbatches)
            (value, (stats, measures)), grads = jax.value_and_grad(learner.loss, has_aux=True)(
                state.params, stats, jax.tree.map(lambda leaf, take=take: leaf[take], batch),
                keys[take],
            )  # fmt: skip
            parts.append((value, measures, grads))
        value, measures, grads = lax.pmean(_averaged(parts), BATCH)

        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        norms = {"grad_norm": optax.tree.norm(grads), "update_norm": optax.tree.norm(updates)}

        new = state._replace(
            step=state.step + 1,
            params=optax.apply_updates(state.params, updates),
            batch_stats=stats,
            opt_state=opt_state,
        )
        rate = learning_rate(opt_state)
        judged = guard.judge(config.halt, threshold, state, new, value, *norms.values(), rate)
        metrics = {
            "loss": value,
            **measures,
            **norms,
            "learning_rate": rate,
            **judged.metrics,
            **_measured(config.measures, state.params, grads, updates),
        }
        return judged.state, metrics

    return step


def _measured(
    measures: Mapping[str, Callable[..., Any]], params: Any, grads: Any, updates: Any
) -> Metrics:
    """Returns what the user's own functions say of a step: float32, one number each."""
    found = {}
    for name, measure in measures.items():
        try:
            value = jnp.asarray(measure(params, grads, updates), jnp.float32)
        except Exception as error:  # a user's code raises anything
            said = (str(error).splitlines() or [""])[0]
            raise UserError(
                f"`measures.{name}` must return a number for (params, grads, updates), and raises "
                f"{type(error).__name__}: {said} Use the functions of jax.numpy."
            ) from error
        if value.shape:
            raise UserError(
                f"`measures.{name}` must return one number, got an array of shape {value.shape}. "
                "Return its sum, or its norm."
            )
        found[name] = value
    return found


def make_eval_step(
    config: Config, learner: Learner
) -> Callable[[TrainState, DeviceData, jax.Array], Sums]:
    """Makes the evaluation step: `(state, data, indices [b]) -> sums`.

    The sums are the task's, over the batch on all devices. An index of -1 is no example.
    """

    def step(state: TrainState, data: DeviceData, indices: jax.Array) -> Sums:
        batch = learner.batch(data, indices, None)
        key = jax.random.key(state.seed)
        sums = learner.sums(state.params, state.batch_stats, batch, indices >= 0, key)
        return lax.psum(sums, BATCH)

    return step


def _keys(key: jax.Array, num_examples: int) -> jax.Array:
    """Returns a key for each example. It depends on the place in the batch, and on no device."""
    places = lax.axis_index(BATCH) * num_examples + jnp.arange(num_examples)
    return jax.vmap(jax.random.fold_in, (None, 0))(key, places)


def _averaged(parts: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *parts)

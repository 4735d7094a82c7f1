"""One step of training and one of evaluation. Both are pure, and the same on every device."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from train import preprocess
from train.augment import augment
from train.config import Config
from train.engine import guard
from train.engine.loss import cross_entropy, log_probabilities
from train.engine.state import TrainState
from train.errors import UserError
from train.models.model import Model
from train.optimizer import learning_rate

BATCH = "batch"
"""The axis of devices over which a batch is spread."""
_NETWORK = 2**32 - 1  # is folded into the keys of the network's draws; no image has this number

Metrics = dict[str, jax.Array]


class DeviceData(NamedTuple):
    """One split in each device's memory."""

    images: jax.Array
    """The images, uint8, [n, 32, 32, 3]. With `preprocess_once` they are preprocessed float32."""
    labels: jax.Array
    """The classes of the images, int32, [n]."""
    statistics: preprocess.Statistics


def make_train_step(
    config: Config,
    model: Model,
    optimizer: optax.GradientTransformation,
    threshold: float | None,
) -> Callable[[TrainState, DeviceData, jax.Array], tuple[TrainState, Metrics]]:
    """Makes the training step: `(state, data, indices) -> (state, metrics)`.

    The indices, [b], are those of the images of this device. The metrics are scalars, equal on all
    devices: loss, accuracy, grad_norm (before clipping), update_norm and the learning_rate of the
    update, all float32; and what the guard says of the step, see `guard.Judged`.
    """

    def loss(
        params: Any, batch_stats: Any, images: jax.Array, labels: jax.Array, keys: jax.Array
    ) -> tuple[jax.Array, tuple[Any, jax.Array]]:
        logits, batch_stats = model.apply(params, batch_stats, images, True, keys)
        log_p = log_probabilities(logits, config.head)
        losses = cross_entropy(log_p, labels, config.label_smoothing)
        return losses.mean(), (batch_stats, (log_p.argmax(-1) == labels).mean())

    def step(state: TrainState, data: DeviceData, indices: jax.Array) -> tuple[TrainState, Metrics]:
        key = jax.random.fold_in(jax.random.key(state.seed), state.step)
        images = _gather(config, data, indices)
        images = augment(config.augment, _keys(key, len(indices)), images)
        labels = data.labels[indices]
        keys = _keys(jax.random.fold_in(key, _NETWORK), len(indices))

        batch_stats, parts = state.batch_stats, []
        for part in range(config.optimizer.microbatches):
            take = slice(part, None, config.optimizer.microbatches)
            (value, (batch_stats, accuracy)), grads = jax.value_and_grad(loss, has_aux=True)(
                state.params, batch_stats, images[take], labels[take], keys[take]
            )
            parts.append((value, accuracy, grads))
        value, accuracy, grads = lax.pmean(_averaged(parts), BATCH)

        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        norms = {"grad_norm": optax.tree.norm(grads), "update_norm": optax.tree.norm(updates)}

        new = state._replace(
            step=state.step + 1,
            params=optax.apply_updates(state.params, updates),
            batch_stats=batch_stats,
            opt_state=opt_state,
        )
        rate = learning_rate(opt_state)
        judged = guard.judge(config.halt, threshold, state, new, value, *norms.values(), rate)
        metrics = {
            "loss": value,
            "accuracy": accuracy,
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
    config: Config, model: Model
) -> Callable[[TrainState, DeviceData, jax.Array], Metrics]:
    """Makes the evaluation step: `(state, data, indices [b]) -> sums`.

    The sums are over the batch on all devices, float32: loss (cross-entropy without smoothing),
    correct and count. An index of -1 is no image.
    """

    def step(state: TrainState, data: DeviceData, indices: jax.Array) -> Metrics:
        images = _gather(config, data, indices)
        labels = data.labels[indices]
        key = jax.random.key(state.seed)
        logits, _ = model.apply(state.params, state.batch_stats, images, False, key)
        log_p = log_probabilities(logits, config.head)
        is_image = indices >= 0
        sums = {
            "loss": jnp.where(is_image, cross_entropy(log_p, labels), 0).sum(),
            "correct": (is_image & (log_p.argmax(-1) == labels)).sum(dtype=jnp.float32),
            "count": is_image.sum(dtype=jnp.float32),
        }
        return lax.psum(sums, BATCH)

    return step


def _gather(config: Config, data: DeviceData, indices: jax.Array) -> jax.Array:
    images = data.images[indices]
    if config.preprocess_once:
        return images
    return preprocess.apply(config.preprocess, data.statistics, images)


def _keys(key: jax.Array, num_images: int) -> jax.Array:
    """Returns a key for each image. It depends on the place in the batch, and on no device."""
    places = lax.axis_index(BATCH) * num_images + jnp.arange(num_images)
    return jax.vmap(jax.random.fold_in, (None, 0))(key, places)


def _averaged(parts: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *parts)

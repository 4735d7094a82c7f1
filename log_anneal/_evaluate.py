"""A schedule on the device: whole steps in, strong float32 out."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal import _check
from log_anneal._numeric import MAX_STEP, Device

if TYPE_CHECKING:
    from log_anneal._schedule import Schedule


def evaluate(schedule: "Schedule", step: jax.typing.ArrayLike) -> jax.Array:
    """The value at each step; below 0 is 0, above 2^31 - 1 is 2^31 - 1."""
    if isinstance(step, int) and not isinstance(step, bool):
        step = min(max(step, 0), MAX_STEP)
    steps = step if isinstance(step, jax.Array) else np.asarray(step)
    if not jnp.issubdtype(steps.dtype, jnp.integer):
        raise not_whole(step)
    if isinstance(steps, np.ndarray):  # 64 bits would not reach the device
        steps = np.clip(steps, 0, MAX_STEP).astype(np.int32)
    # Inside another function the fields may stay constants; outside, one program is quicker.
    return (_values if _check.is_traced(steps) else _values_jitted)(schedule, steps)


def not_whole(step: Any) -> TypeError:
    """The error for a step that is no whole number."""
    return TypeError(
        f"`step` must be a whole number, got {step!r}. To count in epochs, build the schedule in "
        "epochs and take `.stretch(steps_per_epoch)`."
    )


def _values(schedule: "Schedule", steps: jax.Array) -> jax.Array:
    steps = jnp.maximum(steps, 0)
    if steps.dtype.itemsize > 4 or steps.dtype == jnp.uint32:
        steps = jnp.minimum(steps, MAX_STEP)
    steps = steps.astype(jnp.int32)
    fields = jax.tree.map(_on_device, schedule)
    return jnp.broadcast_to(fields._value(steps, Device), steps.shape)


_values_jitted = jax.jit(_values)


def _on_device(leaf: Any) -> jax.Array:
    is_whole = jnp.issubdtype(jnp.result_type(leaf), jnp.integer)
    return jnp.asarray(leaf, jnp.int32 if is_whole else jnp.float32)

"""The guard: it decides whether a step has gone wrong, and what becomes of it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_leaves_with_path

import log_anneal as la
from train.engine.state import TrainState
from train.halt import Halt

_LEAST = 4.5
"""The threshold of Naveen 2024, which had 10 classes. For fewer it is far above a guess, too."""
_OF_NORMAL = 1.4826
"""By it the median distance to the median becomes the standard deviation of normal numbers."""
_LEAST_SCATTER = 0.01
"""As a part of the median loss, so that a loss that hardly moves has no spikes of rounding."""
CAUSES = "not_finite", "above_threshold", "spike"
"""The names of the metrics that say why a step has gone wrong."""
NO_LEAF = -1


class Judged(NamedTuple):
    """What the guard says of a step, on the device."""

    state: TrainState
    """The state to go on with."""
    metrics: dict[str, jax.Array]
    """bool []: `halted` and `skipped`, and the causes. int32 []: `bad_leaf`, see `leaf_names`."""


def threshold(halt: Halt, guess: float) -> float | None:
    """Returns the loss above which a step has gone wrong, in nats; None: no loss is too high.

    By itself it is twice the loss of a guess. A network that has learnt nothing is near that loss,
    so that a threshold below it would stop a sound run.

    Args:
      halt: the rule.
      guess: the loss of a guess: among classes it is ln(classes).
    """
    if halt.threshold == "auto":
        return max(_LEAST, 2 * guess)
    return halt.threshold


def judge(
    halt: Halt,
    threshold: float | None,
    state: TrainState,
    new: TrainState,
    loss: jax.Array,
    *others: jax.Array,
) -> Judged:
    """Decides whether a step is made.

    It has gone wrong if `loss > threshold` after the grace (Naveen 2024, equation 5), if the loss
    is a spike, or if a number is not finite: the loss, the others, or any number of the new state.
    The loss alone is not enough: batch norm and ReLU can hide a NaN from it.

    Args:
      halt: the rule.
      threshold: as `threshold` gives it.
      state: the state before the step.
      new: the state after it, as if nothing were wrong.
      loss: the loss of the step's batch.
      *others: scalars that must be finite too: the norms of the gradient and the update, the rate.
    """
    bad_leaf = _first_bad_leaf(new)
    numbers = jnp.stack([loss, *others])
    causes = dict(
        zip(
            CAUSES,
            (
                ~jnp.isfinite(numbers).all() | (bad_leaf != NO_LEAF),
                *_too_high(halt, threshold, state, loss),
            ),
            strict=True,
        )
    )
    is_bad = causes["not_finite"] | causes["above_threshold"] | causes["spike"]
    halts = {
        "halt": is_bad,
        "skip": is_bad & (state.skipped >= halt.skip_limit),
        "ignore": causes["not_finite"],
    }[halt.action]
    halted = state.halted | halts
    is_left_out = halted | (is_bad & (halt.action == "skip"))
    skipped = is_left_out & ~halted

    made = new._replace(
        recent=jnp.concatenate([state.recent[1:], loss[None]]), skipped=jnp.int32(0)
    )
    # A step that went wrong leaves no trace: the state stays the one before it.
    kept = jax.tree.map(lambda old, fresh: jnp.where(is_left_out, old, fresh), state, made)
    if halt.action == "skip":
        kept = _passed_over(skipped, state, new, kept)
    found = {"halted": halted, "skipped": skipped, "bad_leaf": bad_leaf, **causes}
    return Judged(kept._replace(halted=halted), found)


def _too_high(
    halt: Halt, threshold: float | None, state: TrainState, loss: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Tells whether a loss is above the threshold, and whether it is a spike."""
    is_watched = state.step >= state.watch_from
    no = jnp.bool_(False)
    is_above = no if threshold is None else is_watched & (loss > threshold)
    if halt.spike is None:
        return is_above, no
    median = jnp.median(state.recent)  # NaN until all are known, and above NaN is no loss
    scatter = jnp.maximum(
        _OF_NORMAL * jnp.median(jnp.abs(state.recent - median)), _LEAST_SCATTER * median
    )
    return is_above, is_watched & (loss > median + halt.spike * scatter)


def _passed_over(
    skipped: jax.Array, state: TrainState, new: TrainState, kept: TrainState
) -> TrainState:
    """Returns the state after a step that was skipped: its number counts, and so does its rate.

    The next step has the next batch. The schedule goes on as if the step had been made, so that the
    rate of each step is the one that the schedule has there.
    """

    def is_live(node: object) -> bool:
        return isinstance(node, la.LiveState)

    def rate_of(kept: Any, new: Any) -> Any:
        if not is_live(kept):
            return kept
        return jax.tree.map(lambda old, fresh: jnp.where(skipped, fresh, old), kept, new)

    opt_state = jax.tree.map(rate_of, kept.opt_state, new.opt_state, is_leaf=is_live)
    return kept._replace(
        step=jnp.where(skipped, new.step, kept.step),
        opt_state=opt_state,
        skipped=jnp.where(skipped, state.skipped + 1, kept.skipped),
    )


def _checked_leaves(state: TrainState) -> list[tuple[str, Any]]:
    """Returns the numbers that a step must keep finite, by their names."""
    return [
        (f"{part}/{keystr(path, simple=True, separator='/')}", leaf)
        for part in ("params", "batch_stats", "opt_state")
        for path, leaf in tree_leaves_with_path(getattr(state, part))
        if jnp.issubdtype(leaf.dtype, jnp.inexact)
    ]


def leaf_names(state: TrainState) -> list[str]:
    """Returns the names of the arrays whose numbers must be finite; `bad_leaf` is a place in it.

    Args:
      state: a state, or the shapes of one.
    """
    return [name for name, _ in _checked_leaves(state)]


def not_finite(state: TrainState) -> list[str]:
    """Returns the names of the arrays of a state on the host that hold a number not finite."""
    return [name for name, leaf in _checked_leaves(state) if not np.isfinite(leaf).all()]


def _first_bad_leaf(state: TrainState) -> jax.Array:
    """Returns the place of the first array with a number that is not finite, or `NO_LEAF`."""
    leaves = [leaf for _, leaf in _checked_leaves(state)]
    is_bad = jnp.stack([~jnp.isfinite(leaf).all() for leaf in leaves])
    return jnp.where(is_bad.any(), is_bad.argmax(), NO_LEAF).astype(jnp.int32)


def watch_from(halt: Halt, step: int, steps_per_epoch: int) -> int:
    """Returns the step at which a grace that begins at `step` ends."""
    return step + halt.grace_epochs * steps_per_epoch

"""Restores the state of a run from a checkpoint, which may be of a shorter run."""

from collections.abc import Mapping

import jax
import numpy as np

from train.engine.state import TrainState
from train.folder.checkpoint import Checkpoints
from train.run.job import Job


def restore(
    job: Job, checkpoints: Checkpoints, digests: Mapping[str, int], *, step: int | None = None
) -> TrainState | None:
    """Returns the state of the newest checkpoint, or of that of a step; None if there is none.

    The state has the shapes of the job. A table of the rates of another length is left empty, as
    `Job.resume` fills it.

    Args:
      job: the run.
      checkpoints: of the run.
      digests: of the settings that the run has had, each with its length then, in epochs.
      step: the step of the checkpoint; None: the newest.

    Raises:
      UserError: the checkpoint is of another model or configuration, or all are damaged.
    """
    others = {sha256: job.shapes(epochs) for sha256, epochs in digests.items()}
    shapes = job.shapes()
    found = checkpoints.restore(shapes, others, step=step)
    return None if found is None else jax.tree.map(_of_shape, shapes, found[1])


def _of_shape(like: jax.ShapeDtypeStruct, leaf: np.ndarray) -> np.ndarray:
    return leaf if leaf.shape == like.shape else np.zeros(like.shape, like.dtype)

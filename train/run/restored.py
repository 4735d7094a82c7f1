"""Restores the state of a run from a checkpoint, which may be of a shorter run."""

import dataclasses

import jax
import numpy as np

from train.changes import changed
from train.config import Config
from train.dtype import dtype_of
from train.folder.checkpoint import Checkpoints
from train.folder.manifest import Restored
from train.folder.record import Held
from train.folder.same_run import SameRun
from train.run.job import Job


def restore(
    job: Job, checkpoints: Checkpoints, same: SameRun | None, *, step: int | None = None
) -> Restored | None:
    """Returns the newest checkpoint, or that of a step; None if there is none.

    The state has the shapes of the job. A table of the rates of another length is left empty, as
    `Job.resume` fills it.

    Args:
      job: the run.
      checkpoints: of the run.
      same: what they have in common; None: the folder holds neither a record nor a checkpoint.
      step: the step of the checkpoint; None: the newest.

    Raises:
      UserError: the checkpoint is of another model or run, or all are damaged.
    """
    if same is None:
        return None
    shapes = job.shapes()
    found = checkpoints.restore(lambda manifest: job.shapes(same.epochs(manifest)), step=step)
    if found is None:
        return None
    return dataclasses.replace(found, state=jax.tree.map(_of_shape, shapes, found.state))


def dtype_held(held: Held | None) -> str:
    """Returns the type of the computation of the run in a folder; `auto` where none is known."""
    return str(held.content.get("model", {}).get("dtype", "auto")) if held else "auto"


def as_begun(config: Config, dtype: str) -> Config:
    """Returns a configuration in which `auto` is a type, or itself if it is that type already.

    Args:
      config: of the run.
      dtype: the type with which the run began, or `auto`.
    """
    own = config.model.dtype
    if own != "auto" or dtype in ("auto", dtype_of(own)):
        return config
    return changed(config, {"model.dtype": dtype})


def _of_shape(like: jax.ShapeDtypeStruct, leaf: np.ndarray) -> np.ndarray:
    return leaf if leaf.shape == like.shape else np.zeros(like.shape, like.dtype)

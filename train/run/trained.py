"""The network of a run, with the weights of a checkpoint."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import numpy as np

from train import preprocess
from train.config import Config
from train.errors import UserError
from train.folder import workdir
from train.folder.checkpoint import Checkpoints
from train.run.job import Job, prepare
from train.run.restored import restore
from train.tasks.classification import ImageData

_BATCH = 500


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
      step: the number of updates that it has had.
      class_names: the names of the classes. Class i has the i-th name.
      params: the parameters, nested dicts of NumPy arrays.
      batch_stats: the running statistics of its batch norms, likewise.
    """

    step: int
    class_names: tuple[str, ...]
    params: Any
    batch_stats: Any
    _job: Job = dataclasses.field(repr=False)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Computes the logits of images, as an evaluation does.

        Args:
          images: uint8, [n, 32, 32, 3], as the data set has them: not preprocessed.

        Returns:
          float32, [n, classes].

        Raises:
          UserError: the images are of another type or shape.
        """
        if images.dtype != np.uint8 or images.shape[1:] != (32, 32, 3):
            raise UserError(
                "`images` must be uint8 of shape (n, 32, 32, 3), got "
                f"{images.dtype} of shape {images.shape}. Give them as the data set has them."
            )
        parts = [images[at : at + _BATCH] for at in range(0, len(images), _BATCH)]
        none = np.zeros((0, len(self.class_names)), np.float32)
        return np.concatenate([none, *(np.asarray(self._of_batch(part)) for part in parts)])

    def classes(self, images: np.ndarray) -> np.ndarray:
        """Returns the most probable class of each image: whole numbers, [n]."""
        return self.logits(images).argmax(-1)

    @functools.cached_property
    def _of_batch(self) -> Any:
        job, knobs = self._job, self._job.config.preprocess

        @jax.jit
        def logits(images: jax.Array) -> jax.Array:
            ready = preprocess.apply(knobs, job.data.shared, images)
            return job.program.learner.predict(self.params, self.batch_stats, ready)

        return logits


def load(config: Config, folder: Path, *, is_best: bool = False) -> Trained:
    """Returns the network of a run, with the weights of its newest or its best checkpoint.

    It writes nothing. The data of the run is needed: the preprocessing is fitted on it.

    Args:
      config: the run's configuration, as its file gives it. If the run was lengthened, any of its
        lengths will do.
      folder: the run's folder.
      is_best: the checkpoint that was chosen by the validation split, or else by the training loss.

    Raises:
      UserError: there is no checkpoint, or it is of another configuration, or is damaged.
    """
    job = prepare(config)
    if not isinstance(job.data, ImageData):
        raise UserError(
            f"`config.task` must be None, the classification of images, got {job.task.name}. "
            "Read the predictions of another task from the files in its run's folder."
        )
    record = job.record()
    checkpoints = Checkpoints(
        folder / "checkpoints", config_digest=workdir.fixed_digest(record), is_writer=False
    )
    best = checkpoints.best_step() if is_best else None
    state = restore(job, checkpoints, workdir.known_digests(folder, record), step=best)
    if state is None:
        raise UserError(
            f"`folder` must be that of a run with a checkpoint, got {folder}, which has none. "
            "Give the `--workdir` of the run."
        )
    names = job.data.dataset.class_names
    return Trained(int(state.step), names, state.params, state.batch_stats, job)

"""The network of a run, with the weights of a checkpoint. The folder of the run is enough."""

import dataclasses
import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from train import preprocess
from train.data import picture
from train.errors import UserError
from train.models.model import Model
from train.preprocess import Preprocess
from train.run.network_file import Needs
from train.run.of_folder import network_of, weights_of
from train.tasks.loss import Head, log_probabilities

_BATCH = 500
_Path: TypeAlias = str | os.PathLike[str]
Images: TypeAlias = np.ndarray | _Path | Sequence[_Path]
"""uint8 of shape [n, height, width, channels], as the data set has them and not preprocessed; or
the path of a picture; or the paths of some."""


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
    params: Any = dataclasses.field(repr=False)
    batch_stats: Any = dataclasses.field(repr=False)
    _model: Model = dataclasses.field(repr=False)
    _knobs: Preprocess = dataclasses.field(repr=False)
    _needs: Needs = dataclasses.field(repr=False)
    _head: Head = dataclasses.field(repr=False)

    def logits(self, images: Images) -> np.ndarray:
        """Computes the logits of images, as an evaluation does.

        Args:
          images: uint8, [n, 32, 32, 3], as the data set has them: not preprocessed. Or the path of
            a picture, or several paths: they are read as those of a folder of images are.

        Returns:
          float32, [n, classes].

        Raises:
          UserError: the images are of another type or shape, or a file is no picture.
        """
        pixels = _pixels(images, self._needs.image_shape)
        parts = [pixels[at : at + _BATCH] for at in range(0, len(pixels), _BATCH)]
        none = np.zeros((0, len(self.class_names)), np.float32)
        return np.concatenate([none, *(np.asarray(self._of_batch(part)) for part in parts)])

    def probabilities(self, images: Images) -> np.ndarray:
        """Returns the probability of each class: float32, [n, classes]. `images` as in `logits`."""
        return np.asarray(jnp.exp(log_probabilities(jnp.asarray(self.logits(images)), self._head)))

    def classes(self, images: Images) -> np.ndarray:
        """Returns the most probable class of each image: whole numbers, [n].

        `images` as in `logits`. `class_names` has the names.
        """
        return self.logits(images).argmax(-1)

    @functools.cached_property
    def _of_batch(self) -> Any:
        @jax.jit
        def logits(images: jax.Array) -> jax.Array:
            ready = preprocess.apply(self._knobs, self._needs.statistics, images)
            keys = jax.random.split(jax.random.key(0), len(images))  # nothing draws here
            return self._model.apply(self.params, self.batch_stats, ready, False, keys)[0]

        return logits


def load(
    folder: _Path, *, is_best: bool = False, builder: Callable[..., Any] | None = None
) -> Trained:
    """Returns the network of a run, with the weights of its newest or its best checkpoint.

    The folder is enough, on another machine too. It writes nothing. A network of the user's own is
    built by the file that defined it, which is run for that as it was in training.

    Args:
      folder: the run's folder.
      is_best: the checkpoint that was chosen by the validation split, or else by the training loss.
      builder: the class or function that builds a network of the user's own, where the file that
        defined it is not there any more, or has changed.

    Raises:
      UserError: the folder is not that of a run with a checkpoint, or a part of it is damaged; the
        network's file has gone; or the run was begun by a release that kept no statistics of the
        preprocessing, and its data is not there.
    """
    if not isinstance(folder, str | os.PathLike):
        raise UserError(
            f"`folder` must be the path of a run's folder, got {type(folder).__name__}. Give the "
            "`--workdir` of the run alone: its configuration lies in it."
        )
    place = Path(folder).expanduser()
    network = network_of(place, builder)
    step, params, batch_stats = weights_of(place, network, is_best=is_best)
    return Trained(
        step,
        network.needs.class_names,
        params,
        batch_stats,
        network.model,
        network.knobs,
        network.needs,
        network.head,
    )


def _pixels(images: Images, shape: Sequence[int]) -> np.ndarray:
    """Returns images as uint8, [n, *shape]."""
    if isinstance(images, str | os.PathLike):
        images = [images]
    if isinstance(images, Sequence):
        files = [np.zeros((0, *shape), np.uint8), *(_of_file(path)[None] for path in images)]
        images = np.concatenate(files)
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != tuple(shape):
        sides = ", ".join(map(str, shape))
        raise UserError(
            f"`images` must be uint8 of shape (n, {sides}), or paths of pictures, got "
            f"{images.dtype} of shape {images.shape}. Give them as the data set has them."
        )
    return images


def _of_file(path: Any) -> np.ndarray:
    if not isinstance(path, str | os.PathLike):
        raise UserError(
            f"`images` must be an array, or paths of pictures, got {type(path).__name__} in a "
            "sequence. Stack arrays by `np.stack`."
        )
    file = Path(path).expanduser()
    try:
        return picture.read(file)[0]
    except Exception as error:  # a damaged file makes Pillow raise anything
        why = picture.why_not(error) if os.path.lexists(file) else "it is not there"
        raise UserError(
            f"`images` must be pictures that can be read, got {path} ({why}). Replace it, or leave "
            "it out."
        ) from error

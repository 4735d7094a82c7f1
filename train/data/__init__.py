"""Image-classification data sets as uint8 arrays."""

import functools
import hashlib
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from train.batches import order
from train.data import cache, sources
from train.data.cache import Split
from train.data.source import Source
from train.errors import UserError

_HELD_OUT, _PART = 2**64 - 1, 2**64 - 2  # second words of a Philox key; no epoch reaches them


@dataclass(frozen=True)
class Dataset:
    """A data set in memory.

    Attributes:
      name: as given to `load`.
      class_names: the names of the classes. Label i has the i-th name.
      train: the training images, without those that are held out.
      validation: the training images that are held out, or None.
      test: the test images.
      digest: the SHA-256, in hex, of the whole data set before any image was held out.
      found: sentences that say what was found in a folder of images; empty for other sets.
      train_files: the paths of the training images in a folder of images; empty for other sets.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    validation: Split | None
    test: Split
    digest: str
    found: str = ""
    train_files: tuple[str, ...] = ()

    @property
    def num_classes(self) -> int:
        """Returns the number of classes."""
        return len(self.class_names)


def load(
    name: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    num_train_images: int | None = None,
    num_test_images: int | None = None,
    validation_fraction: float = 0.0,
    seed: int = 0,
    cache_dir: str | os.PathLike[str] | None = None,
    tell: bool = True,
) -> Dataset:
    """Loads a data set as 32x32 images. The decoded arrays are kept on disk for the next time.

    In a folder, `train/<class>` and `test/<class>` hold the images, in any format that Pillow
    reads; those in folders inside them count too.
    A picture of 32x32 pixels stays as it is. Of another, the middle square is scaled to 32x32 by
    Pillow's bicubic filter with antialiasing. EXIF's orientation is applied, transparent pixels are
    laid on white, and of several frames the first is taken.

    Args:
      name: "digits" (scikit-learn's, needs no download), or the TFDS name of an
        image-classification set ("cifar10", "cifar100", "svhn_cropped", ...), or the path of a
        folder of images.
      data_dir: the folder where TFDS looks for its sets, and to which it downloads them; by default
        `$TFDS_DATA_DIR`, else `~/tensorflow_datasets`.
      num_train_images: how many of the training images to take, at least one of each class. The
        choice never changes. None: all.
      num_test_images: how many of the test images to take. The choice never changes. None: all.
      validation_fraction: the part of the training images that is held out, in [0, 1). At least
        one image of each class is left.
      seed: chooses the images that are held out.
      cache_dir: the folder where the decoded arrays are kept; by default `$LOG_ANNEAL_CACHE`, else
        `$XDG_CACHE_HOME/log_anneal`, else `~/.cache/log_anneal`.
      tell: print what was found in a folder of images, once in a process.

    Raises:
      UserError: there is no such data set, or it cannot be downloaded or read; its images are not
        8-bit images, or those of a TFDS set have not 32x32 pixels; a class has no training image;
        or there are fewer images than are to be taken.
    """
    if not 0 <= validation_fraction < 1:
        raise UserError(
            f"`validation_fraction` must be in [0, 1), got {validation_fraction}. "
            "0 trains on all training images."
        )
    source = sources.find(name, data_dir)
    # There is one file for a name and a place: if the source changes, its arrays are replaced.
    place = hashlib.sha256(json.dumps([source.name, source.place]).encode()).hexdigest()[:12]
    path = cache.directory(cache_dir) / f"{Path(source.name).name}-{place}.arrays"
    decoded, digest = _decoded(path, source)
    if tell:
        _tell(decoded.found)

    def split(train: Split) -> tuple[Split, Split | None]:
        part = _part("num_train_images", train, num_train_images, every_class=True)
        return _hold_out(part, validation_fraction, seed)

    test = _part("num_test_images", decoded.test, num_test_images, every_class=False)
    train, validation = split(decoded.train)
    files: tuple[str, ...] = ()
    if source.train_files:
        places = np.arange(len(source.train_files))
        taken = split(Split(places, decoded.train.labels))[0].images
        files = tuple(source.train_files[place] for place in taken)
    return Dataset(name, decoded.class_names, train, validation, test, digest, decoded.found, files)


@functools.lru_cache(maxsize=1)
def _decoded(path: Path, source: Source) -> tuple[cache.Decoded, str]:
    """Returns the arrays and their digest, which later runs of a process share with the first."""
    decoded, digest = cache.load(path, source.state, source.decode)
    return replace(decoded, found=f"{source.found} {decoded.found}".strip()), digest


@functools.lru_cache(maxsize=1)
def _tell(found: str) -> None:
    """Prints what was found in a folder of images, once for the runs of a process."""
    if found:
        print(found, file=sys.stderr)


def _part(name: str, split: Split, num_images: int | None, *, every_class: bool) -> Split:
    if num_images is None:
        return split
    if not 1 <= num_images <= len(split.labels):
        raise UserError(
            f"`{name}` must be between 1 and the {len(split.labels)} images of the split, "
            f"got {num_images}. None takes all."
        )
    shuffled = order(0, _PART, len(split.labels))
    taken, left = shuffled[:num_images], shuffled[num_images:]
    if every_class:
        taken, left = _with_every_class(name, num_images, split.labels, taken, left)
    return _chosen(split, taken)


def _hold_out(train: Split, fraction: float, seed: int) -> tuple[Split, Split | None]:
    if fraction == 0:
        return train, None
    num_images = len(train.labels)
    num_held_out = round(fraction * num_images)
    if not 1 <= num_held_out < num_images:
        raise UserError(
            f"`validation_fraction` must leave images on both sides, got {fraction} of "
            f"{num_images}."
        )
    shuffled = order(seed, _HELD_OUT, num_images)
    kept, held_out = _with_every_class(
        "validation_fraction",
        fraction,
        train.labels,
        shuffled[num_held_out:],
        shuffled[:num_held_out],
    )
    return _chosen(train, kept), _chosen(train, held_out)


def _chosen(split: Split, indices: np.ndarray) -> Split:
    chosen = np.sort(indices)
    return Split(split.images[chosen], split.labels[chosen])


def _with_every_class(
    name: str, value: float, labels: np.ndarray, kept: np.ndarray, rest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns `kept` and `rest`, with images exchanged until each class is in `kept`.

    If none is missing there, both are returned as they are. An image of a missing class comes from
    `rest`, its first. It takes the place of the last image in `kept` whose class has another one.

    Args:
      name: the argument that parted the images.
      value: its value.
      labels: of all images.
      kept: the indices of the images that are trained on.
      rest: the indices of the others.

    Raises:
      UserError: fewer images are kept than there are classes.
    """
    num_classes = len(np.unique(labels))
    if len(kept) < num_classes:
        raise UserError(
            f"`{name}` must leave a training image of each of the {num_classes} classes, got "
            f"{value}, which leaves {len(kept)} images of {len(labels)}."
        )
    kept, rest = kept.copy(), rest.copy()
    for missing in np.setdiff1d(labels, labels[kept]):
        counts = np.bincount(labels[kept])
        giver = np.flatnonzero(counts[labels[kept]] > 1)[-1]
        taker = np.flatnonzero(labels[rest] == missing)[0]
        kept[giver], rest[taker] = rest[taker], kept[giver]
    return kept, rest

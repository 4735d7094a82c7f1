"""A source of images, as all kinds of data sets give one, and the checks that they share."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from train.data.cache import Decoded, Split
from train.errors import UserError


@dataclass(frozen=True)
class Source:
    """Images that can be decoded.

    Attributes:
      name: the name that the file of the decoded images gets.
      place: the place where the images lie, which tells the source from others.
      state: a digest that changes when the images may have changed.
      decode: reads all images; raises a `UserError` that names what cannot be used.
      found: sentences that say what lies there; empty where the name says it.
      train_files: the paths of the training images in a folder of images; empty for other sets.
    """

    name: str
    place: str
    state: str
    decode: Callable[[], Decoded] = field(compare=False)
    found: str = ""
    train_files: tuple[str, ...] = field(default=(), compare=False)


def checked(where: str, class_names: tuple[str, ...], train: Split, test: Split) -> Decoded:
    """Returns the splits as one, if a classifier can be trained and tested on them.

    Args:
      where: the data set, as a message names it.
      class_names: the names of the classes.
      train: the training images.
      test: the test images.

    Raises:
      UserError: a split is empty or has images without labels, or a class has no training image.
    """
    for name, split in (("train", train), ("test", test)):
        if not len(split.labels):
            raise UserError(f"The {name} split of {where} must hold images, it holds none.")
        if split.labels.min() < 0:
            raise UserError(f"The {name} split of {where} must have labels, some images have none.")
    counts = np.bincount(train.labels, minlength=len(class_names))
    if empty := [name for name, count in zip(class_names, counts, strict=True) if count == 0]:
        raise UserError(
            f"Each class must have training images, {few(empty)} in {where} has none. "
            "Add some, or remove the class."
        )
    return Decoded(class_names, train, test)


def expanded(argument: str, path: str | Path) -> Path:
    """Returns a path without its `~`.

    Args:
      argument: what the path was given as.
      path: the path.

    Raises:
      UserError: the `~` names a user who has no home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(
            f"`{argument}` must be a path that can be followed, got {path}: the home of that user "
            "is not known. Write the whole path."
        ) from None


def few(names: Iterable[str], most: int = 3) -> str:
    """Returns the first names, and how many more there are: "a, b, c and 4 more"."""
    names = list(names)
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def fingerprint(facts: list[str], files: Iterable[tuple[str, int, int]]) -> str:
    """Returns a digest of facts, and of the names, sizes and times of files."""
    return hashlib.sha256(json.dumps([facts, list(files)]).encode()).hexdigest()


def sizes_and_times(files: Iterable[tuple[str, Path]]) -> list[tuple[str, int, int]]:
    """Returns the names of files, given with their paths, and their sizes and times."""
    stats = [(name, path.stat()) for name, path in files]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]

"""Preprocessing that the runs of one process share: it is fitted once, and applied once."""

import dataclasses
import functools
import hashlib
from typing import Any

import numpy as np

from train import preprocess
from train.data.cache import Split


@dataclasses.dataclass(frozen=True)
class ByDigests:
    """The arguments of preprocessing, as the key of a cache: arrays are compared by their digests.

    An array cannot be a key itself. The digests are those of the images that the arrays came from.
    """

    knobs: preprocess.Preprocess
    sha256: tuple[str, ...]
    arrays: Any = dataclasses.field(compare=False)


@functools.lru_cache(maxsize=2)
def fitted(given: ByDigests) -> preprocess.Statistics:
    """Fits the preprocessing, which for the whitening of 50,000 images takes a minute.

    The runs of a process share the result. Two are kept: a search has a training split of its own.
    """
    return preprocess.fit(given.knobs, given.arrays)


@functools.lru_cache(maxsize=5)
def applied(given: ByDigests) -> np.ndarray:
    """Preprocesses a split. Five are kept: two of a run, and three of a search's trial."""
    return preprocess.apply_to_all(given.knobs, *given.arrays)


def sha256_of(split: Split) -> str:
    """Returns the SHA-256 of the images of a split, in hex."""
    return hashlib.sha256(np.ascontiguousarray(split.images).data).hexdigest()

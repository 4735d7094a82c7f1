"""Decoded images on disk. They are written atomically, and verified whenever they are read."""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.atomic_file import open_atomically, sweep

IMAGE_SHAPE = (32, 32, 3)
_HOUR = 3600.0


@dataclass(frozen=True)
class Split:
    """Images and their classes.

    Attributes:
      images: uint8, [n, 32, 32, 3].
      labels: int32, [n].
    """

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Decoded:
    """All images of a source, decoded.

    Attributes:
      class_names: the names of the classes. Label i has the i-th name.
      train: the training images.
      test: the test images.
      found: sentences that say what the images were before; empty where there is nothing to say.
    """

    class_names: tuple[str, ...]
    train: Split
    test: Split
    found: str = ""

    def digest(self) -> str:
        """Returns the SHA-256 of the class names, images and labels, in hex."""
        sha = hashlib.sha256(json.dumps([self.class_names, len(self.train.labels)]).encode())
        for split in (self.train, self.test):
            sha.update(np.ascontiguousarray(split.images, "u1").data)
            sha.update(np.ascontiguousarray(split.labels, "<i4").data)
        return sha.hexdigest()


def directory(given: str | os.PathLike[str] | None = None) -> Path:
    """Returns the folder for decoded arrays: `given`, else `$LOG_ANNEAL_CACHE`, else the user's."""
    if chosen := given or os.environ.get("LOG_ANNEAL_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "log_anneal"


def load(path: Path, key: str, decode: Callable[[], Decoded]) -> tuple[Decoded, str]:
    """Returns the arrays and their digest: from `path` if it holds them intact, else decoded.

    The file is a line of JSON (key, digest, class names, sizes, and what was found with a seal on
    it), then the bytes of the training images, training labels, test images and test labels. It is
    replaced if it is damaged, or if the source has changed. If nothing can be written, the arrays
    are decoded at each start.

    Args:
      path: the file.
      key: tells the state of the source. A file with another key is not used.
      decode: reads the source.
    """
    try:
        return _read(path, key)
    except (FileNotFoundError, NotADirectoryError):
        print(f"Decoding the images, once, into {path}", file=sys.stderr)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"Decoding the images again, {path} is not usable: {error}", file=sys.stderr)
    decoded = decode()
    digest = decoded.digest()
    try:
        _write(path, key, digest, decoded)
    except OSError as error:
        print(
            f"warning: the decoded images cannot be kept ({error}); they will be decoded at each "
            "start. Set `LOG_ANNEAL_CACHE` to a folder that can be written.",
            file=sys.stderr,
        )
    return decoded, digest


def _read(path: Path, key: str) -> tuple[Decoded, str]:
    with path.open("rb") as file:
        header = json.loads(file.readline())
        if header["key"] != key:
            raise ValueError("its source has changed")
        image_size = int(np.prod(IMAGE_SHAPE))
        expected = file.tell() + sum(n * (image_size + 4) for n in header["sizes"])
        # This is checked before anything is allocated: the sizes themselves may be damaged.
        if (found := os.fstat(file.fileno()).st_size) != expected:
            raise ValueError(f"it has {found} bytes, not {expected}")
        train, test = (
            Split(
                np.fromfile(file, "u1", n * image_size).reshape(n, *IMAGE_SHAPE),
                np.fromfile(file, "<i4", n).astype(np.int32, copy=False),
            )
            for n in header["sizes"]
        )
    # A file in which nothing was found has neither, as those of earlier versions.
    found = header.get("found", "")
    if header.get("seal", _seal("")) != _seal(str(found)):
        raise ValueError("the sentences on what was found are damaged")
    decoded = Decoded(tuple(header["class_names"]), train, test, found)
    if decoded.digest() != header["digest"]:
        raise ValueError("its bytes have another SHA-256 than when they were written")
    return decoded, header["digest"]


def _write(path: Path, key: str, digest: str, decoded: Decoded) -> None:
    splits = (decoded.train, decoded.test)
    header = {
        "key": key,
        "digest": digest,
        "class_names": decoded.class_names,
        "sizes": [len(split.labels) for split in splits],
    }
    if decoded.found:
        header |= {"found": decoded.found, "seal": _seal(decoded.found)}
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent, older_than=_HOUR)  # other processes may be writing
    with open_atomically(path) as file:
        file.write(json.dumps(header).encode() + b"\n")
        for split in splits:
            file.write(np.ascontiguousarray(split.images, "u1").data)
            file.write(np.ascontiguousarray(split.labels, "<i4").data)


def _seal(found: str) -> str:
    return hashlib.sha256(found.encode()).hexdigest()[:16]

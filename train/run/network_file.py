"""What a network needs besides its weights, in the run's folder: so it can be used without data."""

import contextlib
import dataclasses
import inspect
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from train import preprocess
from train.errors import UserError, shortened
from train.folder.files import set_aside, write_atomically

FILE = "network.npz"
VERSION = 1
_ABOUT, _FRONT = "about", "statistics/"
_LARGE = 1_000_000
"""The bytes from which on a file is shared with that of another run beside it."""


@dataclasses.dataclass(frozen=True)
class Needs:
    """What a network needs besides its weights.

    Attributes:
      class_names: the names of the classes. Class i has the i-th name.
      image_shape: height, width and channels of the images, as the data set has them.
      statistics: of the preprocessing, as `train.preprocess.fit` gives them.
      builder_file: the file that defines the network of the user's own; None: it is none.
    """

    class_names: tuple[str, ...]
    image_shape: tuple[int, ...]
    statistics: preprocess.Statistics
    builder_file: str | None = None


def file_of(builder: Callable[..., Any] | None) -> str | None:
    """Returns the path of the file that defines a function or a class; None of None."""
    found = None if builder is None else inspect.getsourcefile(builder)
    return found and str(Path(found).absolute())


def keep(folder: Path, needs: Needs) -> None:
    """Writes the file at the start of a run. The statistics of one that is there and whole stay.

    The file of a network of the user's own may have moved since then.

    Args:
      folder: the run's folder, which exists.
      needs: what the run's network needs.

    Raises:
      UserError: the file is of a later release.
    """
    path = folder / FILE
    if path.exists():
        try:
            held = _read(path)
            if held.builder_file == needs.builder_file:
                return
            needs = dataclasses.replace(held, builder_file=needs.builder_file)
        except UserError:
            raise
        except Exception as error:  # damaged bytes raise anything
            target = set_aside(path, folder / "set_aside")
            print(
                f"warning: {path} is damaged ({shortened(error)}); moved to {target}, and written "
                "again",
                file=sys.stderr,
            )
    content = _bytes(needs)
    if len(content) > _LARGE and _linked(path, content):
        return
    write_atomically(path, content)


def read(folder: Path) -> Needs | None:
    """Returns what the network of a run needs; None: the run is of a release without the file.

    Args:
      folder: the run's folder.

    Raises:
      UserError: the file is damaged, or of a later release.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return _read(path)
    except UserError:
        raise
    except Exception as error:  # damaged bytes raise anything
        raise UserError(
            f"`folder` must hold a whole {FILE}, got {path}, which is damaged "
            f"({shortened(error)}). Start the run's command again, which writes it anew, or put "
            "back a copy."
        ) from error


def _read(path: Path) -> Needs:
    """Reads the file. The archive has a checksum of each array."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        about = json.loads(bytes(arrays[_ABOUT]))
        if about["version"] > VERSION:
            raise UserError(
                f"{path} must be of version {VERSION} at most, got {about['version']}. Use the "
                "release that wrote it, or a later one."
            )
        statistics = {name: arrays[_FRONT + name] for name in about["statistics"]}
    names, shape = tuple(about["class_names"]), tuple(about["image_shape"])
    return Needs(names, shape, statistics, about["builder_file"])


def _bytes(needs: Needs) -> bytes:
    about: dict[str, Any] = {
        "version": VERSION,
        "class_names": needs.class_names,
        "image_shape": needs.image_shape,
        "builder_file": needs.builder_file,
        "statistics": list(needs.statistics),
    }
    arrays: dict[str, Any] = {_FRONT + name: array for name, array in needs.statistics.items()}
    arrays[_ABOUT] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _linked(path: Path, content: bytes) -> bool:
    """Links a file to an equal one of a run beside it, and tells whether there is one.

    The runs of a study have the same statistics, as a rule, which take 38 MB for whitened images.
    """
    others: Sequence[Path] = sorted(path.parent.parent.glob(f"*/{FILE}"))
    with contextlib.suppress(OSError):  # another file system, or one without links
        for other in others:
            if other.stat().st_size == len(content) and other.read_bytes() == content:
                os.link(other, path)
                return True
    return False

"""Files that are written whole or not at all."""

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".log_anneal"
_PARTIAL = re.compile(rf"\..+\.[a-z0-9_]{{8}}{re.escape(_SUFFIX)}")
"""The name of a file that is not written to its end; nothing else has such a name."""

# The mask can only be read by setting it.
_UMASK = os.umask(0)
os.umask(_UMASK)


@contextlib.contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """Opens a new file, which takes the place of `path` when the block ends without an error.

    A reader finds the old content or the new one, after a crash too.

    Args:
      path: the file; its folder exists.
    """
    # Each writer has a file of its own, so that processes that write the same path do not meet.
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o666 & ~_UMASK)
            yield file
            file.flush()
            os.fsync(descriptor)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    flush_names(path.parent)


def sweep(*folders: Path, older_than: float = 0.0) -> None:
    """Deletes what kills in the midst of a write have left in folders.

    Args:
      *folders: the folders. They need not exist.
      older_than: how long ago the write must have begun, in seconds, where others may be writing.
    """
    for path in [path for folder in folders for path in folder.glob(f".*{_SUFFIX}")]:
        with contextlib.suppress(OSError):  # another start may sweep, too
            if _PARTIAL.fullmatch(path.name) and time.time() - path.stat().st_mtime >= older_than:
                path.unlink()


def flush_names(*paths: Path) -> None:
    """Sends files and folders to the disk: of a folder, the names that are in it."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

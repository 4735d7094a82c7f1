"""Files that are whole or absent, and old ones that are kept."""

import contextlib
import fcntl
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from train.errors import UserError

_UMASK = os.umask(0)
os.umask(_UMASK)


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file in one step: a reader finds the old content or the new, after a crash too.

    Args:
        path: the file; its folder exists.
        content: all of it.
    """
    # A name of its own, so that processes that write the same file do not meet.
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o666 & ~_UMASK)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def set_aside(path: Path, folder: Path) -> Path:
    """Moves a file or a folder out of the way, under a name that is free.

    Args:
        path: what to move.
        folder: where to; made if it is absent; on the same file system.

    Returns:
        The new path: `folder / path.name`, with a number behind it where that is taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = itertools.chain([path.name], (f"{path.name}.{n}" for n in itertools.count(1)))
    target = next(folder / name for name in names if not (folder / name).exists())
    return path.rename(target)


def flush_folder(folder: Path) -> None:
    """Sends a folder and all below it to the disk, so that they outlive a power cut."""
    for path in [folder.parent, folder, *folder.rglob("*")]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock_folder(folder: Path) -> TextIO:
    """Makes a folder one process's own, until the file that is returned closes.

    Raises:
        UserError: another process holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise UserError(
            f"`workdir` must be writable, got {folder} ({error.strerror}). "
            "Choose another `--workdir`."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UserError(
            f"`workdir` must belong to one run, but another run is writing to {folder}. "
            "Wait for its end, or choose another `--workdir`."
        ) from None
    return file


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Waits until no other process is in this block for the same folder, which exists."""
    with (folder / ".turn").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""Functions on the files of a run's folder: to write, set aside, flush and lock."""

import contextlib
import datetime
import fcntl
import itertools
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from train.atomic_file import flush_names, open_atomically
from train.errors import HELD, UserError


def write_json(path: Path, record: Any) -> None:
    """Writes a file of strict JSON in one step.

    Raises:
        ValueError: a number is not finite, for which JSON has no token.
    """
    write_atomically(path, f"{json.dumps(record, indent=2, allow_nan=False)}\n".encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file in one step: a reader finds the old content or the new one.

    Args:
        path: the file; its folder exists.
        content: the whole content.
    """
    with open_atomically(path) as file:
        file.write(content)


def set_aside(path: Path, folder: Path) -> Path:
    """Moves a file or a folder out of the way, under a name that is free.

    Args:
        path: the file or folder to move.
        folder: the folder that takes it. It is made if it is absent, and must be on the same file
            system.

    Returns:
        The new path: `folder / path.name`, with a number behind it if that is taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = itertools.chain([path.name], (f"{path.name}.{n}" for n in itertools.count(1)))
    target = next(folder / name for name in names if not (folder / name).exists())
    moved = path.rename(target)
    flush_names(folder, path.parent)
    return moved


@contextlib.contextmanager
def removed_if_empty(folder: Path) -> Iterator[None]:
    """Removes a folder after the block if nothing was put into it, and it was not there before.

    So a command that is refused leaves no empty folder, nor those above it that it made.

    Args:
        folder: the folder that is made in the block.
    """
    new = [each for each in (folder, *folder.parents) if not os.path.exists(each)]
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it holds something
            for each in new:
                each.rmdir()


def remove(folder: Path, *, seconds: float = 3.0) -> None:
    """Removes a folder into which others may still be writing for a moment, if that is possible."""
    until = time.monotonic() + seconds
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)


def flush_folder(folder: Path) -> None:
    """Sends a folder and all files below it to the disk, so that they survive a power cut."""
    flush_names(folder.parent, folder, *folder.rglob("*"))


def lock_folder(folder: Path) -> TextIO:
    """Locks a folder for this process, until the returned file is closed.

    Raises:
        UserError: another process holds the folder, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = lock_file(folder / ".lock")
    except OSError as error:
        raise UserError(
            f"`workdir` must be writable, got {folder} ({error.strerror}). "
            "Choose another `--workdir`."
        ) from error
    if isinstance(held, str):
        raise UserError(
            f"`workdir` must belong to one run, but {HELD} {folder}{held and f' ({held})'}. "
            "Wait for its end, or choose another `--workdir`."
        )
    return held


def lock_file(path: Path) -> TextIO | str:
    """Locks a file for this process, until it is closed, and writes there who holds it.

    Args:
        path: the file, which is made if it is absent; its folder exists.

    Returns:
        The open file; where another process holds it, that process in words, as far as known.
    """
    file = path.open("a+")  # which keeps what the holder wrote there
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        return holder
    file.truncate(0)
    now = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
    file.write(f"process {os.getpid()} on {platform.node()}, since {now}\n")
    file.flush()
    return file


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Waits until no other process is in this block for the same folder, which must exist."""
    with (folder / ".turn").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

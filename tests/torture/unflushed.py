"""Power cuts: what was not sent to the disk at a moment is lost, in every combination.

A file that was never sent there is emptied. Of one that was, what came after that is cut off. The
parts of a checkpoint that is being written are always all lost: a start deletes them unread.
"""

import collections
import contextlib
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from train.errors import UserError
from train.folder import manifest, sealed, steps
from train.folder.checkpoint import Checkpoints

from . import tiny

CLAIM = (
    "At every moment before a file is sent to the disk or gets its name, what is not yet on the "
    "disk may be lost, of any of the files or of all: the run goes on to the same last state and "
    "lines, and no step before the last finished save is lost."
)
COUNT = 1000
"""The most sets of files. There are fewer, so that all of them are tried."""
FEW = 8

_UNREAD = "checkpoints/unfinished/"
_MOST_FILES = 6
_TO_THE_END = 10
"""Of how many cases one run is made to its end. All are made up to their first step."""


def torture(random: np.random.Generator, folder: Path, count: int) -> dict[str, int | float | str]:
    """Copies a run at each moment that counts, and empties sets of the files of each copy."""
    whole = folder / "whole"
    tiny.run(whole)
    expected = tiny.left(whole)
    moments = _moments(folder)
    cases = [
        (moment, subset)
        for moment in moments
        for subset in _subsets(random, [name for name in moment.unflushed if _UNREAD not in name])
    ]
    chosen = random.permutation(len(cases))[:count]
    figures = collections.Counter[str](
        moments=len(moments), sets=len(cases), tried=len(chosen), most_files=0
    )
    for number in sorted(chosen):
        moment, subset = cases[number]
        cut = folder / "cut"
        shutil.copytree(moment.copy, cut)
        for name in [*subset, *(each for each in moment.unflushed if _UNREAD in each)]:
            os.truncate(cut / name, moment.unflushed[name])
        case = f"moment {moment.copy.name}, lost {', '.join(subset) or 'nothing'}"
        _check(cut, moment, expected if number % _TO_THE_END == 0 else None, case)
        figures["most_files"] = max(figures["most_files"], len(subset))
        shutil.rmtree(cut)
    return dict(figures)


class _Moment:
    """A copy of the run, and what a power cut would have taken from it."""

    def __init__(self, copy: Path, unflushed: Mapping[str, int]) -> None:
        self.copy, self.unflushed = copy, unflushed
        """The files that are not whole on the disk, with the bytes that are there."""
        self.saved = max(_sound(copy, unflushed), default=0)
        """The newest step all of whose files are on the disk."""


def _sound(copy: Path, unflushed: Iterable[str]) -> list[int]:
    found = []
    for step in steps.known(copy / "checkpoints"):
        if not any(name.startswith(f"checkpoints/{step}/") for name in unflushed):
            with contextlib.suppress(sealed.Damaged):
                manifest.read(copy / "checkpoints" / str(step))
                found.append(step)
    return found


def _moments(folder: Path) -> list[_Moment]:
    """Makes a run, and returns a moment before each rename, and before each flush of a file."""
    watch = _Watch(folder)
    fsync, save = os.fsync, Checkpoints.save

    def flush(descriptor: int) -> None:
        watch.take()
        fsync(descriptor)
        watch.on_disk(os.fstat(descriptor))

    def before(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **more: Any) -> Any:
            watch.take()
            return function(*arguments, **more)

        return called

    def save_at_once(*arguments: Any, **more: Any) -> None:
        save(*arguments, **{**more, "wait": True})  # so that no step is made beside it

    with (
        mock.patch.object(os, "replace", before(os.replace)),
        mock.patch.object(os, "rename", before(os.rename)),
        mock.patch.object(os, "fsync", flush),
        mock.patch.object(Checkpoints, "save", save_at_once),
    ):
        tiny.run(watch.live)
    return watch.moments


class _Watch:
    """Knows what of a folder is on the disk, and copies it at moments."""

    def __init__(self, folder: Path) -> None:
        self.live, self._copies = folder / "live", folder / "moments"
        self.moments: list[_Moment] = []
        self._on_disk: dict[int, tuple[int, int]] = {}
        self._turn = threading.Lock()

    def on_disk(self, status: os.stat_result) -> None:
        """Takes note of a file that was sent to the disk."""
        self._on_disk[status.st_ino] = _written(status)

    def take(self) -> None:
        """Copies the folder, if other files are in danger than at the last moment."""
        with self._turn:
            unflushed = self._unflushed() if self.live.exists() else {}
            if self.moments and self.moments[-1].unflushed == unflushed:
                return
            copy = self._copies / str(len(self.moments))
            try:
                shutil.copytree(self.live, copy)
            except (FileNotFoundError, shutil.Error):  # a file went while it was copied
                shutil.rmtree(copy, ignore_errors=True)
            else:
                self.moments.append(_Moment(copy, unflushed))

    def _unflushed(self) -> dict[str, int]:
        found = {}
        for path in tiny.files(self.live):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                known = self._on_disk.get(status.st_ino, (0, 0))
                if known != _written(status) and status.st_size:
                    found[str(path.relative_to(self.live))] = known[0]
        return found


def _written(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _subsets(random: np.random.Generator, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Returns every set of some files; of many files the sets of few, all, and random ones."""
    if len(names) <= _MOST_FILES:
        for size in range(len(names) + 1):
            yield from itertools.combinations(names, size)
        return
    yield from ((), tuple(names), *((name,) for name in names))
    for _ in range(2**_MOST_FILES - len(names) - 2):
        yield tuple(name for name in names if random.random() < 0.5)


def _check(cut: Path, moment: _Moment, expected: tiny.Left | None, case: str) -> None:
    """Starts the run after a power cut, to its end where it is to be compared."""
    try:
        said = tiny.run(cut, until=0)  # it saves what it goes on from
        step = max(steps.known(cut / "checkpoints"), default=0)
        assert step >= moment.saved, f"{case}: back at {step}, and {moment.saved} was saved: {said}"
        if expected is not None:
            tiny.run(cut)
    except UserError as refusal:
        raise AssertionError(f"{case}: the run was refused: {refusal}") from refusal
    if expected is not None:
        found = tiny.left(cut)
        assert found.leaves == expected.leaves, f"{case}: other bits"
        assert found.lines == expected.lines, f"{case}: other lines"

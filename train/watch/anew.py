"""Something that is made again only when what it shows has changed."""

import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from train.errors import sentence

_REST = 20
"""The rest after a making, in times of what it took: the run needs the processor more."""
_DRAWING = threading.Lock()  # matplotlib's caches of fonts belong to one thread at a time
_Made = TypeVar("_Made")


class Kept(Generic[_Made]):
    """What was read from files, kept until they have changed.

    Args:
      make: reads it.
      version: tells whether the files have changed.
    """

    def __init__(self, make: Callable[[], _Made], version: Callable[[], Hashable]) -> None:
        self._make, self._version = make, version
        self._kept: tuple[Hashable, _Made] | None = None

    def get(self) -> _Made:
        """Returns it, read again if need be."""
        # The version comes first: what is written while it is read is read again the next time.
        version, kept = self._version(), self._kept
        if kept is None or kept[0] != version:
            kept = self._kept = version, self._make()
        return kept[1]


class Anew:
    """A page or a picture that is kept until what it shows has changed, and is made seldom.

    Args:
      make: makes it; it may take long.
      version: tells whether what it shows has changed.
      least: the least time between two makings, in seconds.
    """

    def __init__(
        self, make: Callable[[], bytes], version: Callable[[], Hashable], least: float
    ) -> None:
        self._make, self._version, self._least = make, version, least
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._of: Hashable = None
        self._next = 0.0
        self._content: bytes | None = None
        self.why = ""
        """The reason why it could not be made the last time."""

    def get(self, patience: float) -> bytes | None:
        """Returns the newest that is made, and begins to make a newer one if need be.

        Args:
          patience: the time to wait for one that is being made, in seconds.

        Returns:
          None: none is made yet, or none can be.
        """
        with self._lock:
            if self._thread is None and time.monotonic() >= self._next:
                version = self._version()
                if version != self._of:
                    self._of = version
                    self._thread = threading.Thread(target=self._remake, daemon=True)
                    self._thread.start()
            thread = self._thread
        if thread is not None:
            thread.join(patience)
        return self._content

    def _remake(self) -> None:
        since = time.monotonic()
        try:
            with _DRAWING:
                since = time.monotonic()
                self._content = self._make()
            self.why = ""
        except Exception as error:
            self.why = sentence(error)
        now = time.monotonic()
        with self._lock:
            self._next = now + max(self._least, _REST * (now - since))
            self._thread = None


def stamp(path: Path) -> Hashable:
    """Returns what changes when a file is written; None: it is not there."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size

"""Output that outlives its reader."""

import io
import os
import sys
from typing import Any, TextIO


class Lasting:
    """A text stream whose failures end nothing: what cannot be written is lost.

    The reader of a pipe may leave, as `head` does, and a terminal may be closed. A run of hours
    must not end for that: `metrics.jsonl` has all that it printed.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        # A terminal may lack a letter of a folder's name: it is shown as \\xe4 then.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Writes a text, or loses it."""
        try:
            return self._stream.write(text)
        except OSError:
            self._lose()
            return len(text)

    def flush(self) -> None:
        """Sends on what is written, or loses it."""
        try:
            self._stream.flush()
        except OSError:
            self._lose()

    def _lose(self) -> None:
        """Sends all that follows nowhere, also what Python writes when it ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        """Returns what the stream has: its encoding, and whether it is a terminal."""
        return getattr(self._stream, name)


def keep_output() -> None:
    """Lets both streams of this process outlive their readers."""
    for name in ("stdout", "stderr"):
        # A process that was started without one has None in its place.
        stream = getattr(sys, name) or open(os.devnull, "w")  # noqa: SIM115
        setattr(sys, name, Lasting(stream))

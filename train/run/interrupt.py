"""Interrupts: SIGTERM and SIGINT as a question that the loop can ask."""

import signal
from types import FrameType
from typing import Self

import jax
import numpy as np
from jax.experimental import multihost_utils


class Interrupts:
    """While entered, the first SIGTERM or SIGINT is remembered; a second SIGINT acts at once."""

    def __init__(self) -> None:
        """Nothing has been received."""
        self._received: signal.Signals | None = None

    def __enter__(self) -> Self:
        """Takes the signals; after `jax.distributed` has taken SIGTERM for itself."""
        self._before = {
            number: signal.signal(number, self._receive)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def mine(self) -> str | None:
        """Returns the name of the signal that this process got; None: none has come."""
        return self._received.name if self._received else None

    def received(self) -> str | None:
        """The name of the signal that this or another process got, the same in all; else None."""
        mine = self._received or 0
        if jax.process_count() > 1:
            mine = multihost_utils.process_allgather(np.int32(mine)).max()
        return signal.Signals(mine).name if mine else None

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._received = signal.Signals(number)

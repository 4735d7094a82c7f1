"""Interrupts: remembers the signals that end a run, so that the loop can ask for them."""

import signal
from types import FrameType
from typing import Self

import jax
import numpy as np
from jax.experimental import multihost_utils


class Interrupts:
    """The signals that have come; a context manager.

    Within its block the first SIGTERM, SIGINT or SIGHUP is remembered. A second SIGINT acts at
    once. SIGHUP comes when the terminal is closed; under `nohup` it is ignored, and stays so.
    """

    def __init__(self) -> None:
        """Starts with no signal received."""
        self._received: signal.Signals | None = None

    def __enter__(self) -> Self:
        """Takes over the signals. It must come after `jax.distributed`, which takes SIGTERM."""
        self._before = {
            number: signal.signal(number, self._receive)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
            if signal.getsignal(number) is not signal.SIG_IGN
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
        """Returns the name of the signal that any process got, the same in all; None: none came."""
        mine = self._received or 0
        if jax.process_count() > 1:
            mine = multihost_utils.process_allgather(np.int32(mine)).max()
        return signal.Signals(mine).name if mine else None

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._received = signal.Signals(number)

"""Interrupts: remembers the signals that end a run, so that the loop can ask for them."""

import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn, Self

import jax
import numpy as np
from jax.experimental import multihost_utils

LEFT = 130
"""The exit code of a process that a signal ended at once."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


class Interrupts:
    """The signals that have come; a context manager.

    Within its block the first SIGTERM, SIGINT, SIGHUP or SIGUSR1 is remembered. SIGHUP comes when
    the terminal is closed; under `nohup` it is ignored, and stays so. SIGUSR1 is what Slurm sends
    by `--signal`. A second signal of any kind ends the process at once.

    Args:
      is_alone: whether the first signal may end the process at once, too, until `begun` is called.
        Nothing is lost then, and a compilation may take a minute.
    """

    def __init__(self, *, is_alone: bool = False) -> None:
        """Starts with no signal received."""
        self._received: signal.Signals | None = None
        self._may_leave = is_alone
        self._count = 0

    def __enter__(self) -> Self:
        """Takes over the signals. It must come after `jax.distributed`, which takes SIGTERM."""
        # Python calls a handler only between two operations of its main thread, and a compilation
        # is one. So the bytes that Python writes at once are read by a thread.
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._fd_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, name="signals", daemon=True)
        self._thread.start()
        self._before = {
            number: signal.signal(number, self._receive)
            for number in _SIGNALS
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        os.close(self._write)
        self._thread.join()
        os.close(self._read)

    def begun(self) -> None:
        """Tells that steps are made, which a signal must let be saved."""
        self._may_leave = False

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
        self._received = signal.Signals(number)

    def _watch(self) -> None:
        while numbers := os.read(self._read, 64):
            for number in numbers:
                if number not in self._before:
                    continue
                self._count += 1
                if self._count > 1:
                    _leave("a second signal came; nothing was saved since the last checkpoint")
                if self._may_leave:
                    name = signal.Signals(number).name
                    _leave(f"{name} came before a step was made; nothing is lost")


def _leave(why: str) -> NoReturn:
    print(f"interrupted: {why}", file=sys.stderr, flush=True)
    os._exit(LEFT)  # the main thread may be in a compilation, and cannot be asked

"""Peers: each process of a run sees at once when another one ends before the run does.

JAX's own service sees a process that died after 100 seconds, or in the midst of a collective
operation, and ends the others by an abort with a long stack. Here every process holds a connection
to the first one. The kernel closes it when its process ends, however that happens, and probes it
where a whole machine is silent. Then the others leave, each with one line and the code `LOST`.
"""

import contextlib
import os
import secrets
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import jax
import numpy as np

LOST = 75
"""The exit code of a process that lost another one; the same commands, given again, go on."""
_GOODBYE = b"."
_TOKEN = 16  # bytes, which tell a process of this run from a stranger on the same port
_JOIN_SECONDS = 60.0
# A silent machine is found after 5 + 3 * 2 seconds.
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}

_links: list[socket.socket] = []
_is_over = threading.Event()


def watch(host: str, share: Callable[[np.ndarray], np.ndarray]) -> None:
    """Connects this process with its peers, and leaves at once when one of them is lost.

    Where no connection can be had, as behind a firewall, JAX's own service is what is left.

    Args:
      host: the address of the first process, at which it listens.
      share: returns the first process's array of bytes in all processes.
    """
    if jax.process_index() == 0:
        server = socket.create_server((host, 0))
        token = secrets.token_bytes(_TOKEN)
        share(np.frombuffer(server.getsockname()[1].to_bytes(4, "big") + token, np.uint8))
        links = list(_joined(server, token))
    else:
        sent = share(np.zeros(4 + _TOKEN, np.uint8)).tobytes()
        try:
            link = socket.create_connection((host, int.from_bytes(sent[:4], "big")), _JOIN_SECONDS)
        except OSError as error:
            print(f"warning: process 0 cannot be watched ({error})", file=sys.stderr)
            return
        link.settimeout(None)
        link.sendall(sent[4:] + jax.process_index().to_bytes(4, "big"))
        links = [(0, link)]
    for _, link in links:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # they have other names outside of Linux
                link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        _links.append(link)
    threading.Thread(target=_watch, args=(links,), name="peers", daemon=True).start()


def goodbye() -> None:
    """Tells the peers that this process ends with them, and not before its time."""
    _is_over.set()
    for link in _links:
        with contextlib.suppress(OSError):  # that one has ended already
            link.sendall(_GOODBYE)


def are_watched() -> bool:
    """Tells whether this process has peers that do not know yet that it ends."""
    return bool(_links) and not _is_over.is_set()


def leave(code: int) -> NoReturn:
    """Ends this process, whose peers do not end with it, without waiting for them.

    JAX would wait five minutes for them at the end of a process, and then abort.
    """
    if not are_watched():
        raise SystemExit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def wait_for_loss(seconds: float = 2.0) -> None:
    """Lets the watch end this process first, where an error may come of a peer that is lost."""
    if are_watched():
        time.sleep(seconds)


def _joined(server: socket.socket, token: bytes) -> Iterator[tuple[int, socket.socket]]:
    """Yields the number and the connection of each other process, and turns strangers away."""
    left, until = set(range(1, jax.process_count())), time.monotonic() + _JOIN_SECONDS
    with server:
        while left and (seconds := until - time.monotonic()) > 0:
            server.settimeout(seconds)
            with contextlib.suppress(OSError):
                link, _ = server.accept()
                link.settimeout(5)
                said = link.recv(_TOKEN + 4, socket.MSG_WAITALL)
                number = int.from_bytes(said[_TOKEN:], "big")
                if secrets.compare_digest(said[:_TOKEN], token) and number in left:
                    link.settimeout(None)
                    left.remove(number)
                    yield number, link
                else:
                    link.close()
    if left:
        print(f"warning: process {min(left)} cannot be watched", file=sys.stderr)


def _watch(links: list[tuple[int, socket.socket]]) -> None:
    with selectors.DefaultSelector() as selector:
        for number, link in links:
            selector.register(link, selectors.EVENT_READ, number)
        while selector.get_map():
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)
                try:
                    said = key.fileobj.recv(1)
                except OSError:
                    said = b""
                if not said and not _is_over.is_set():
                    _leave_behind(key.data)
                selector.unregister(key.fileobj)


def _leave_behind(number: int) -> NoReturn:
    print(
        f"interrupted: process {number} of {jax.process_count()} has ended before the run did, and "
        "its own output may say why. What was done since the last checkpoint is not saved. To go "
        "on, start all processes again.",
        file=sys.stderr,
        flush=True,
    )
    os._exit(LOST)

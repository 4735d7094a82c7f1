"""Processes that watch each other: who leaves early, and who only says goodbye."""

import os
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from small import ROOT

from train.run import peers

TWO = """
import sys, threading, time
import jax, numpy as np
from train.run import peers

number, how = int(sys.argv[1]), sys.argv[2]
jax.process_index, jax.process_count = lambda: number, lambda: 2

def share(array):  # what a broadcast does
    if number == 0:
        print(array.tobytes().hex(), flush=True)
        return array
    return np.frombuffer(bytes.fromhex(sys.stdin.readline()), np.uint8)

peers.watch("localhost", share)
print("watched", flush=True)
sys.stdin.readline()
if how == "goodbye":
    peers.goodbye()
if how == "own error":
    peers.leave(2)
if how == "stays":
    time.sleep(60)
"""


def start(number, how):
    return subprocess.Popen(
        [sys.executable, "-c", TWO, str(number), how],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )


def pair(how, than):
    """Two processes that watch each other: the first ends somehow, and then the second may."""
    ones = [start(0, how), start(1, than)]
    ones[1].stdin.write(ones[0].stdout.readline())
    ones[1].stdin.flush()
    for each in ones:
        assert each.stdout.readline() == "watched\n"
    return ones


def ended(process, line="\n"):
    _, err = process.communicate(line, timeout=100)
    return process.returncode, err


@pytest.mark.parametrize("lost", [0, 1])
def test_a_process_that_is_killed_ends_the_other_with_a_line(lost):
    ones = pair("stays", "stays")
    ones[lost].kill()
    code, said = ended(ones[1 - lost])
    assert code == peers.LOST
    assert said.startswith(f"interrupted: process {lost} of 2 has ended before the run did")
    assert said.count("\n") == 1
    ended(ones[lost])


def test_a_process_that_ends_by_an_error_of_its_own_does_not_wait_for_the_other():
    ones = pair("own error", "stays")
    assert ended(ones[0]) == (2, "")
    assert ended(ones[1], "")[0] == peers.LOST


def test_a_process_that_says_goodbye_ends_no_other():
    ones = pair("goodbye", "goodbye")
    assert ended(ones[0]) == (0, "")
    time.sleep(0.2)
    assert ones[1].poll() is None
    assert ended(ones[1]) == (0, "")


def test_a_stranger_on_the_port_is_turned_away(monkeypatch):
    monkeypatch.setattr(peers.jax, "process_count", lambda: 2)
    server, token = socket.create_server(("localhost", 0)), bytes(range(16))
    joined = []
    waiting = threading.Thread(target=lambda: joined.extend(peers._joined(server, token)))
    waiting.start()
    address = server.getsockname()
    with socket.create_connection(address) as stranger:
        stranger.sendall(bytes(16) + (1).to_bytes(4, "big"))
        assert stranger.recv(1) == b""
    with socket.create_connection(address) as first, socket.create_connection(address) as again:
        first.sendall(token + (1).to_bytes(4, "big"))
        waiting.join()
        assert [number for number, _ in joined] == [1]
        again.close()
    joined[0][1].close()


def test_where_no_connection_can_be_had_a_run_goes_on_with_a_warning(monkeypatch, capsys):
    monkeypatch.setattr(peers.jax, "process_index", lambda: 1)
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
    sent = np.frombuffer(port.to_bytes(4, "big") + bytes(16), np.uint8)
    peers.watch("localhost", lambda _: sent)
    assert "warning: process 0 cannot be watched" in capsys.readouterr().err
    assert not peers.are_watched()


def test_without_peers_a_process_leaves_as_any_other():
    with pytest.raises(SystemExit) as left:
        peers.leave(3)
    assert left.value.code == 3

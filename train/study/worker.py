"""A worker: one process of a study, which makes the tasks that it is told on its own CPU cores."""

import contextlib
import io
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TypeAlias

import jax

from train.data import cache
from train.errors import HELD, Interrupted, UserError, sentence
from train.folder.origin import commit

Do: TypeAlias = Callable[[str], str]
"""A function that makes the task with a key, and says how it ended."""


def work(connection: Connection, start: Callable[[], Do], cores: Sequence[int], log: Path) -> None:
    """Makes tasks until the connection closes, or the process that started it has gone.

    It answers each key with "done", "failed" or "busy" (another process holds the run's folder),
    and with a text for a person.

    Args:
      connection: gives the keys of tasks, and takes the answers.
      start: gives the function that makes a task.
      cores: the CPU cores of this worker.
      log: the file to which all that the worker prints is added.
    """
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a label may have any letter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at Ctrl-C the parent ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    _share_programs()
    commit()  # of the code as it is now: the files may change while the worker runs

    try:
        do: Do | None = start()
        said = ("done", "")
    except UserError as error:
        do, said = None, ("failed", str(error))

    while True:
        try:
            key = connection.recv()
        except (EOFError, OSError):
            return
        if do is not None:
            try:
                said = ("done", do(key))
            except Interrupted:
                return
            except UserError as error:
                is_held = HELD in str(error)
                said = ("busy" if is_held else "failed", str(error))
                time.sleep(5.0 if is_held else 0.0)
            except Exception as error:
                traceback.print_exc()
                said = ("failed", f"{sentence(error)}; see {log}.")
        sys.stdout.flush()
        with contextlib.suppress(OSError):
            connection.send(said)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        while True:  # a run that is being made is saved; the next one gets the next signal
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5.0)


def _share_programs() -> None:
    """Keeps compiled programs on disk, so that the workers compile each program once."""
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", str(cache.directory() / "programs"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)

"""A pool of processes, each on CPU cores of its own, that make the tasks of a study."""

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from train.errors import Interrupted, UserError
from train.run.interrupt import Interrupts
from train.study import failures
from train.study.tasks import Task
from train.study.worker import Do, work

_ATTEMPTS = 3  # for a task whose worker died, or whose folder another process held
_PATIENCE = 120.0  # seconds that workers have to save after a signal
_LOOK = 2.0  # seconds between two looks at the workers


@dataclasses.dataclass(frozen=True)
class Ended:
    """A task that has ended."""

    task: Task
    outcome: str
    """How it ended, for a person: "74.3 %", or the sentence of the error."""
    is_failed: bool


@dataclasses.dataclass
class _Worker:
    process: Any
    connection: Connection
    cores: Sequence[int]
    log: Path
    task: Task | None = None

    def give(self, task: Task) -> None:
        """Tells the worker to make a task."""
        self.task = task
        with contextlib.suppress(OSError):  # if the worker has died, its sentinel says so
            self.connection.send(task.key)

    def told(self) -> tuple[str, str] | None:
        """Returns the worker's answer on its task; None: it has died."""
        try:
            if self.connection.poll():
                said: tuple[str, str] = self.connection.recv()
                return said
        except (EOFError, OSError):
            pass
        self.process.join()
        self.connection.close()
        return None


def cores_of(num_workers: int | None, cores_each: int | None) -> Sequence[Sequence[int]]:
    """Returns the cores of each worker.

    Args:
      num_workers: the number of workers; None: as many as there are cores for.
      cores_each: the number of cores of each; None: the cores are shared out evenly.

    Raises:
      UserError: this machine has too few cores.
    """
    has_affinity = hasattr(os, "sched_getaffinity")
    own = sorted(os.sched_getaffinity(0)) if has_affinity else list(range(os.cpu_count() or 1))
    each = cores_each or max(1, len(own) // max(num_workers or 1, 1))
    num = max(1, len(own) // each) if num_workers is None else num_workers
    most = max(1, len(own) // (cores_each or 1))
    if not 1 <= num <= most:
        raise UserError(
            f"`--workers` must be from 1 to {most}, got {num}: this process may use {len(own)} "
            f"cores, and a worker takes {cores_each or 1} or more. Leave it out to use them all."
        )
    return [own[place * each : (place + 1) * each] for place in range(num)]


def make(
    tasks: Sequence[Task],
    start: Callable[[], Do],
    cores: Sequence[Sequence[int]],
    folder: Path,
    *,
    began: Callable[[Task], None],
    ended: Callable[[Ended], None],
    looked: Callable[[], None],
) -> None:
    """Makes tasks on several workers, each task after those that it needs.

    A task whose worker dies is given to a new worker. If a task cannot be made, `ended` is told so,
    also for the tasks that need it, and the others go on.

    Args:
      tasks: in the order in which they are best begun.
      start: gives the function that makes a task. It is called in each worker, so that it must be
        possible to pickle it.
      cores: the CPU cores of each worker.
      folder: gets `workers/1.log` and so on, with all that each worker prints.
      began: is called with each task that a worker has begun.
      ended: is called with each task that has ended.
      looked: is called every two seconds.

    Raises:
      Interrupted: a signal came. Each worker has saved its run.
    """
    logs = [folder / "workers" / f"{place}.log" for place in range(1, len(cores) + 1)]
    logs[0].parent.mkdir(exist_ok=True)
    pool = _Pool(start, tasks, began, ended)
    with Interrupts() as interrupts:
        try:
            for part, log in list(zip(cores, logs, strict=True))[: len(tasks)]:
                pool.workers.append(_started(start, part, log))
            while pool.open_keys:
                pool.give_up()
                pool.deal_out()
                pool.listen()
                looked()
                if name := interrupts.mine():
                    raise Interrupted(f"{name} came; each run that had begun is saved.")
        finally:
            _stop(pool.workers)


class _Pool:
    """The tasks that are open, and the workers that make them."""

    def __init__(
        self,
        start: Callable[[], Do],
        tasks: Sequence[Task],
        began: Callable[[Task], None],
        ended: Callable[[Ended], None],
    ) -> None:
        self.workers: list[_Worker] = []
        self.open_keys = {task.key for task in tasks}
        """The keys of the tasks that have not ended. No task is begun that needs one of them."""
        self._start, self._began, self._ended = start, began, ended
        self._waiting = list(tasks)
        self._failed: dict[str, str] = {}
        self._attempts = Counter[str]()

    def give_up(self) -> None:
        """Ends the tasks that need a task which could not be made."""
        for task in [task for task in self._waiting if task.needs & self._failed.keys()]:
            self._waiting.remove(task)
            causes = {key: self._failed[key] for key in task.needs & self._failed.keys()}
            self._settle(task, failures.needed(causes), is_failed=True)

    def deal_out(self) -> None:
        """Gives each idle worker the first task whose needs are met, if there is one."""
        for worker in self.workers:
            ready = (task for task in self._waiting if not task.needs & self.open_keys)
            task = next(ready, None)
            if worker.task is None and task is not None:
                self._waiting.remove(task)
                self._attempts[task.key] += 1
                self._began(task)
                worker.give(task)

    def listen(self) -> None:
        """Waits a while for news from the workers, and replaces those that have died."""
        for place in _with_news(self.workers):
            worker = self.workers[place]
            told = worker.told()
            task, worker.task = worker.task, None
            if told is None:
                self.workers[place] = _started(self._start, worker.cores, worker.log)
            if task is None:
                continue

            kind, outcome = told or ("died", f"Its worker died; see {worker.log}.")
            if kind in ("died", "busy") and self._attempts[task.key] < _ATTEMPTS:
                self._waiting.insert(0, task)
            else:
                self._settle(task, outcome, is_failed=kind != "done")

    def _settle(self, task: Task, outcome: str, *, is_failed: bool) -> None:
        self.open_keys.discard(task.key)
        self._failed |= {task.key: outcome} if is_failed else {}
        self._ended(Ended(task, outcome, is_failed))


@contextlib.contextmanager
def _as_many_threads_as(cores: int) -> Iterator[None]:
    """Sets how many threads the libraries of a new process start. Its sums depend on the number."""
    names = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(cores)))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _started(start: Callable[[], Do], cores: Sequence[int], log: Path) -> _Worker:
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
    ours, theirs = context.Pipe()
    # The worker's own interpreter must not end in a traceback while it starts: at Ctrl-C its parent
    # ends it. A process that is started inherits that the signal is ignored.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _as_many_threads_as(len(cores)):
        process = context.Process(target=work, args=(theirs, start, list(cores), log))
        process.start()
    signal.signal(signal.SIGINT, before)
    theirs.close()
    return _Worker(process, ours, cores, log)


def _with_news(workers: Sequence[_Worker]) -> set[int]:
    """Waits a while, and returns the places of the workers that have news."""
    places = {
        handle: place
        for place, worker in enumerate(workers)
        for handle in (worker.connection, worker.process.sentinel)
    }
    return {places[handle] for handle in wait(list(places), _LOOK)}


def _stop(workers: Sequence[_Worker]) -> None:
    """Ends the workers. A worker that makes a run saves it first."""
    for worker in workers:
        with contextlib.suppress(OSError):
            worker.connection.close()
        if worker.task is not None and worker.process.is_alive():
            worker.process.terminate()
    until = time.monotonic() + _PATIENCE
    for worker in workers:
        worker.process.join(max(0.0, until - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()

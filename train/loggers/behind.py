"""Sends a run's numbers to a logger, in a thread of its own, so that the run never waits."""

import contextlib
import json
import queue
import sys
import textwrap
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from train.errors import sentence
from train.folder.about import About
from train.folder.files import write_atomically
from train.folder.follower import Outcome, Point
from train.loggers import Known, Logger

MOST = 10_000
"""The number of new points that may wait for a logger, some 10 MB. A slower one is left out."""
PATIENCE = 30.0
"""The time that the end of a run waits for a logger, in seconds."""
_BATCH = 1000  # points of the backlog; what is sent of it counts even if the rest is not

_Action: TypeAlias = Callable[[], None]


class Behind:
    """A logger that follows a run. Nothing that it does ends or slows the run.

    `loggers/NAME.json` in the run's folder holds the name of the tool's run and the last step that
    was sent of each split. So a run that goes on stays one run there, no step is sent twice but
    those that are made anew, and what an earlier start could not send is sent now.

    Args:
      name: of the logger.
      logger: the tool.
      about: what the run is.
      backlog: the points of earlier starts, which may be any number.
    """

    def __init__(
        self, name: str, logger: Logger, about: About, backlog: Sequence[Point] = ()
    ) -> None:
        self._name, self._logger, self._about = name, logger, about
        self._file = about.folder / "loggers" / f"{name}.json"
        self._waiting: queue.Queue[Point | _Action | None] = queue.Queue()
        self._backlog = backlog
        self._is_off = False
        self._outcome: Outcome = "failed"
        self._run = ""
        self._sent: dict[str, int] = {}
        self._known: Known = {}
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def add(self, point: Point) -> None:
        """Takes a point, which is sent later."""
        if not self._is_off:
            self._waiting.put(point)
            if self._waiting.qsize() > MOST:
                self._give_up(f"{MOST} lines wait for it")

    def end(self, step: int, summary: Mapping[str, Any], pictures: Sequence[Path]) -> None:
        """Takes the summary and the pictures of a run that has ended."""
        self._waiting.put(lambda: self._logger.end(step, summary, pictures))

    def close(self, outcome: Outcome) -> None:
        """Waits until all is sent, but not for long, and says where it is."""
        self._outcome = outcome
        self._waiting.put(None)
        self._thread.join(0.0 if self._is_off else PATIENCE)
        if self._thread.is_alive():
            self._give_up(f"it has not ended after {PATIENCE:.0f} seconds")

    def _work(self) -> None:
        try:
            state = _read(self._file)
            self._run, self._known = self._logger.begin(self._about, state.get("run"))
            self._sent = state.get("sent", {})
            self._keep()
            for start in range(0, len(self._backlog), _BATCH):
                if self._is_off:
                    break
                self._send(self._backlog[start : start + _BATCH])
            while not self._is_off:
                points, action = self._next()
                self._send(points)
                if action is None:
                    break
                action()
            where = self._logger.close(self._outcome)
            if not self._is_off:
                print(f"{self._name}: {where}", flush=True)
        except Exception as error:  # of a network, a disk, or the tool itself
            self._give_up(sentence(error))

    def _next(self) -> tuple[Sequence[Point], _Action | None]:
        """Waits, and takes the points up to the next action; None: there is no more."""
        points: list[Point] = []
        item = self._waiting.get()
        while isinstance(item, Point):
            points.append(item)
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return points, _nothing
        return points, item

    def _send(self, points: Sequence[Point]) -> None:
        """Sends the points that are not sent yet, and notes that they are."""
        new = [each for each in points if not self._is_there(each)]
        if new:
            self._logger.points(new)
        last = {each.split: each.step for each in points}
        if any(step > self._sent.get(split, 0) for split, step in last.items()):
            self._sent |= {key: max(step, self._sent.get(key, 0)) for key, step in last.items()}
            self._keep()

    def _is_there(self, each: Point) -> bool:
        if each.step <= self._sent.get(each.split, 0):
            return True
        seconds = self._known.get(each.split, {}).get(each.step)
        return seconds is not None and seconds == each.values.get(f"{each.split}/seconds")

    def _keep(self) -> None:
        self._file.parent.mkdir(exist_ok=True)
        _write(self._file, self._run, self._sent)

    def _give_up(self, why: str) -> None:
        if not self._is_off:
            self._is_off = True
            why = textwrap.shorten(why, 200, placeholder=" ...")
            print(
                f"warning: {self._name} is left out from here on: {why.rstrip('.')}. The run does "
                f"without it, and {self._about.folder} has all of its numbers.",
                file=sys.stderr,
                flush=True,
            )


def forget(folder: Path, start: int) -> None:
    """Forgets that steps after one were sent: they are lost, and made anew with other numbers.

    Each start of a run calls it, also one that nothing follows: its steps are others, too.

    Args:
      folder: the run's folder.
      start: the number of updates that were made before.
    """
    for path in sorted((folder / "loggers").glob("*.json")):
        # What cannot be read or written is said by the logger itself.
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
            state = _read(path)
            sent = {split: min(step, start) for split, step in state["sent"].items()}
            if sent != state["sent"]:
                _write(path, state["run"], sent)


def _nothing() -> None:
    pass


def _write(path: Path, run: str, sent: Mapping[str, int]) -> None:
    write_atomically(path, f"{json.dumps({'run': run, 'sent': sent})}\n".encode())


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes())) if path.exists() else {}

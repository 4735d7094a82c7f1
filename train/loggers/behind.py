"""Sends a run's numbers to a logger, in a thread of its own, so that the run never waits."""

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
from train.loggers import Logger

MOST = 10_000
"""The number of points that may wait for a logger, some 10 MB. One that is slower is left out."""
PATIENCE = 30.0
"""The time that the end of a run waits for a logger, in seconds."""

_Action: TypeAlias = Callable[[], None]


class Behind:
    """A logger that follows a run. Nothing that it does ends or slows the run.

    `loggers/NAME.json` in the run's folder holds the name of the tool's run and the last step that
    was sent of each split. So a run that goes on stays one run there, no step is sent twice, and
    what an earlier start could not send is sent now.

    Args:
      name: of the logger.
      logger: the tool.
      about: what the run is.
      backlog: the points of earlier starts.
    """

    def __init__(
        self, name: str, logger: Logger, about: About, backlog: Sequence[Point] = ()
    ) -> None:
        self._name, self._logger, self._about = name, logger, about
        self._file = about.folder / "loggers" / f"{name}.json"
        self._waiting: queue.Queue[Point | _Action | None] = queue.Queue()
        for each in backlog:
            self._waiting.put(each)
        self._is_off = False
        self._outcome: Outcome = "failed"
        self._sent: dict[str, int] = {}
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
            run, known = self._logger.begin(self._about, state.get("run"))
            self._sent = {**state.get("sent", {}), **known}
            self._keep(run)
            while not self._is_off:
                points, action = self._next()
                if points:
                    self._logger.points(points)
                    self._sent |= {each.split: each.step for each in points}
                    self._keep(run)
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
            if item.step > self._sent.get(item.split, 0):
                points.append(item)
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return points, _nothing
        return points, item

    def _keep(self, run: str) -> None:
        self._file.parent.mkdir(exist_ok=True)
        content = json.dumps({"run": run, "sent": self._sent})
        write_atomically(self._file, f"{content}\n".encode())

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


def _nothing() -> None:
    pass


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes())) if path.exists() else {}

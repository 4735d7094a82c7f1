"""A run in Weights & Biases."""

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.folder.about import About
from train.folder.follower import Outcome, Point
from train.loggers import Known


class WandbRun:
    """A run in Weights & Biases: with the user's account, else offline, in the run's folder.

    The variables of wandb count, such as WANDB_MODE, WANDB_PROJECT and WANDB_ENTITY. A run that
    goes on online takes no step below the first that its server lacks. Offline each start has a
    file of its own, which takes any.
    """

    def begin(self, about: About, run: str | None) -> tuple[str, Known]:
        """Begins a run, or goes on with one; see `Logger`."""
        import wandb  # an extra, which only `--log wandb` needs

        self._wandb, self._folder = wandb, about.folder
        run = run or secrets.token_hex(4)
        mode = os.environ.get("WANDB_MODE")
        try:
            if mode is None:
                # Without an account wandb would ask for one, in the middle of the run.
                mode = "online" if wandb.login(prompt=False) else "offline"
            self._run = self._init(about, run, mode)
        except wandb.errors.CommError:
            # The server cannot be reached. What is kept offline can be sent later.
            wandb.teardown()  # it still holds the run's name
            self._run = self._init(about, run, "offline")
        self._first = int(self._run.starting_step)
        self._has_said = False
        return run, {}

    def _init(self, about: About, run: str, mode: str) -> Any:
        wandb = self._wandb
        return wandb.init(
            id=run,
            resume="allow",
            mode=mode,
            project=os.environ.get("WANDB_PROJECT", "log_anneal"),
            name=about.folder.name,
            notes=about.schedule,
            dir=str(about.folder),
            config=dict(about.settings),
            # The terminal belongs to the run's own bar, and the times are below `PATIENCE`.
            settings=wandb.Settings(
                console="off", silent=True, init_timeout=15, finish_timeout=20, save_code=False
            ),
        )

    def points(self, points: Sequence[Point]) -> None:
        """Sends points, in order."""
        if any(each.step < self._first for each in points) and not self._has_said:
            self._has_said = True
            print(
                f"warning: wandb takes no step again, and keeps its old numbers of the steps below "
                f"{self._first}. {self._folder} has those that were made anew.",
                file=sys.stderr,
                flush=True,
            )
        for each in points:
            if each.step < self._first:
                continue
            self._run.log(dict(each.values), step=each.step)

    def end(self, step: int, summary: Mapping[str, Any], pictures: Sequence[Path]) -> None:
        """Sends the summary and the pictures."""
        self._run.log({path.stem: self._wandb.Image(str(path)) for path in pictures}, step=step)
        self._run.summary.update({f"summary/{name}": value for name, value in summary.items()})

    def close(self, outcome: Outcome) -> str:
        """Closes the run, and says where it is."""
        is_offline = self._run.offline
        where = Path(self._run.settings.sync_dir) if is_offline else self._run.url
        self._run.finish(exit_code=0 if outcome == "done" else 1)
        return f"wandb sync {where}" if is_offline else str(where)

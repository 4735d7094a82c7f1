"""The rates that the steps of a run have had, under the schedules that it had before."""

import itertools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from train.folder import back
from train.folder.manifest import Restored
from train.folder.record import SCHEDULES, SINCE
from train.rates import rates_in, rates_of_record
from train.run.job import Job


def rates(
    job: Job, folder: Path, content: Mapping[str, Any], restored: Restored | None
) -> np.ndarray:
    """Returns the rate of each step: float32, [total_steps].

    Each step has the rate of the schedule that the run had then. Those of earlier schedules count
    where the run falls back behind the step at which the schedule became another one.

    Args:
      job: the run.
      folder: the run's folder.
      content: the record of the run.
      restored: the checkpoint that the run goes on from; None: there is none.
    """
    found = job.rates.copy()
    step = restored.step if restored else 0
    for entry, following in itertools.pairwise(content[SCHEDULES]):
        part = slice(entry["from_step"], following["from_step"])
        values = _of(job, folder, entry, part, content[SINCE], restored)
        if values is not None:
            found[part] = values[part]
        elif step < part.stop:
            print(
                f"warning: steps {max(step, part.start) + 1} to {part.stop} had another schedule, "
                "which is not known any more; they are made under the new one",
                file=sys.stderr,
            )
    return found


def _of(
    job: Job,
    folder: Path,
    entry: Mapping[str, Any],
    part: slice,
    since: int,
    restored: Restored | None,
) -> np.ndarray | None:
    """Returns the rates of a schedule that the run had, at least up to the end of its part."""
    if entry["schedule"] is not None:
        found = rates_of_record(entry, job.steps_per_epoch, part.stop)
        if found is not None:
            return found
    elif restored is None or restored.step < since:
        return back.rates_of_before(folder, since)
    is_of_before = entry["schedule"] is None
    if restored and (is_of_before or entry in _schedules(restored)):
        found = rates_in(restored.state.opt_state, part.stop)
        return found if found.any() else None  # a table of another size was left empty
    return None


def _schedules(restored: Restored) -> Sequence[Mapping[str, Any]]:
    schedules: Sequence[Mapping[str, Any]]
    schedules = restored.manifest.get("record", {}).get(SCHEDULES, [])
    return schedules

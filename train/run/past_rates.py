"""The rates that the steps of a run have had, under the schedules that it had before."""

import itertools
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import log_anneal as la
from train.folder import back
from train.folder.manifest import Restored
from train.folder.record import SCHEDULES, SINCE
from train.rates import rates_of
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
    if restored and entry in _schedules(restored):
        return _table(restored.state, part.stop)
    if entry["schedule"] is None:
        if restored and restored.step >= since:
            return _table(restored.state, part.stop)
        return back.rates_of_before(folder, since)
    try:
        schedule = la.from_dict(entry["schedule"])
    except ValueError:  # it is a function, or of a class that the configuration has no more
        return None
    factor = Fraction(*entry["stretch"])
    if entry["schedule_unit"] == "epochs":
        factor *= job.steps_per_epoch
    if factor != 1:
        schedule = schedule.stretch(int(factor) if factor.denominator == 1 else float(factor))
    return rates_of(schedule, part.stop)


def _schedules(restored: Restored) -> Sequence[Mapping[str, Any]]:
    schedules: Sequence[Mapping[str, Any]]
    schedules = restored.manifest.get("record", {}).get(SCHEDULES, [])
    return schedules


def _table(state: Any, num_steps: int) -> np.ndarray:
    """Returns the first rates in a state, which holds those of all steps."""

    def is_live(node: object) -> bool:
        return isinstance(node, la.LiveState)

    (live,) = filter(is_live, jax.tree.leaves(state.opt_state, is_leaf=is_live))
    rate = la.live(la.constant_schedule(0.0))  # which gives the rates of any state
    found = jax.vmap(lambda step: rate(live._replace(step=step)))(jnp.arange(num_steps))
    return np.asarray(found, np.float32)

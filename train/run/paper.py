"""Tells on paper whether a run can be made, and how much memory it needs: no step is made."""

import math
import os
from typing import Any

import jax
import numpy as np

from train.config import Config
from train.errors import UserError
from train.run.job import Job, prepare
from train.tasks.task import DeviceData, shapes_of

_MIB = 2**20


def check(config: Config) -> int:
    """Puts a run together, and traces its first step for the shapes. It compiles nothing.

    Args:
      config: of the run.

    Returns:
      The number of steps in an epoch.

    Raises:
      UserError: the data, the network and the settings do not fit each other or the memory.
      Exception: a function of the user's own raised it.
    """
    job = prepare(config, on_paper=True)
    _traced(job)
    _check_memory(job)
    return job.steps_per_epoch


def check_schedule(config: Config, steps_per_epoch: int) -> None:
    """Tries the schedule of a run on a step, for the shape alone.

    Args:
      config: of the run.
      steps_per_epoch: its number of steps in an epoch.

    Raises:
      UserError: the schedule gives no number for a step, or cannot be stretched so far.
      Exception: the schedule is the user's own, and raised it.
    """
    schedule = config.schedule_in_steps(steps_per_epoch)
    found = jax.eval_shape(schedule, jax.ShapeDtypeStruct((), np.int32))
    if getattr(found, "shape", None) != ():
        raise UserError(
            f"`schedule` must give one number for a step, got an array of {found.shape}. Return "
            "a number."
        )


def memory(job: Job) -> dict[str, float]:
    """Returns the memory that a run needs on each device, in MiB, as its compiler plans it."""
    plan = _traced(job).compile().memory_analysis()
    return {**_resident(job), "step": plan.temp_size_in_bytes / _MIB}


def _check_memory(job: Job) -> None:
    """Refuses a run whose state, gradient and data alone are more than a device has."""
    least = _resident(job)
    params = jax.eval_shape(job.create_state).params
    need = sum(least.values()) + _bytes(params) / _MIB
    room = _room()
    if room is not None and need > room:
        raise UserError(
            f"A run must fit in the memory of a device, {room:,.0f} MiB, and this one needs at "
            f"least {need:,.0f} MiB: state {least['state']:,.0f}, data {least['data']:,.0f}. Take "
            "a smaller `model.width` or `num_train_images`."
        )


def _room() -> float | None:
    """Returns the memory of a device, in MiB; None: it is not known."""
    stats = jax.devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return float(stats["bytes_limit"]) / _MIB
    if jax.default_backend() != "cpu" or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    of_all = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return of_all / jax.local_device_count() / _MIB  # the devices of a CPU share its memory


def _traced(job: Job) -> Any:
    """Returns the program of a step, traced for its shapes and not yet compiled."""
    shapes = jax.eval_shape(job.create_state)
    data = DeviceData(job.data.like("train"), shapes_of(job.data.shared))
    return job.engine.lower(shapes, data, job.indices(range(1)))


def _resident(job: Job) -> dict[str, float]:
    """Returns the memory of what stays on each device from step to step, in MiB."""
    of_splits = sum(_bytes(job.data.like(name)) for name in job.data.sizes)
    of_state = _bytes(jax.eval_shape(job.create_state))
    data = of_splits + _bytes(job.data.shared)
    return {"state": of_state / _MIB, "data": data / _MIB}


def _bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))

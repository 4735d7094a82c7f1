"""Several processes: how they find each other, and how they refuse together."""

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from train.errors import UserError

# Set where a cluster starts several processes, and jax.distributed can see by itself which one
# this is; a single process under Slurm has 1 here.
_CLUSTER_SIZES = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "JAX_NUM_PROCESSES")


def initialize(
    coordinator: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Joins the other processes, where there are any; before anything else uses JAX.

    Args:
      coordinator: host:port of process 0; None: what the cluster's variables say, if anything.
      num_processes: how many there are.
      process_id: which one this is, from 0.

    Raises:
      UserError: some of the three are given, and others not, or they do not fit together.
    """
    # It would swallow SIGTERM; `train.interrupt` asks all processes instead.
    jax.config.update("jax_enable_preemption_service", False)
    given = {"--coordinator": coordinator, "--num-processes": num_processes}
    given["--process-id"] = process_id
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        if any(int(os.environ.get(name) or 1) > 1 for name in _CLUSTER_SIZES):
            jax.distributed.initialize()
        return
    if missing:
        raise UserError(
            f"`{missing[0]}` must be given with the other two, and is missing. Give all of "
            "`--coordinator`, `--num-processes` and `--process-id`, or none."
        )
    assert num_processes is not None and process_id is not None
    if not 0 <= process_id < num_processes:
        raise UserError(
            f"`--process-id` must be at least 0 and below --num-processes ({num_processes}), "
            f"got {process_id}. Number the processes from 0."
        )
    jax.distributed.initialize(coordinator, num_processes, process_id)


def from_first(tree: Any) -> Any:
    """A pytree of arrays of the first process, in all of them, which hold one of its structure."""
    return multihost_utils.broadcast_one_to_all(tree) if jax.process_count() > 1 else tree


def is_first() -> bool:
    """Whether this is the process that writes and prints."""
    return jax.process_index() == 0


def on_first(action: Callable[[], Any]) -> Any:
    """What `action` returned in the first process, which alone runs it.

    Raises:
      UserError: in the first process as it came, in the others with a pointer to it.
    """
    result, error = None, None
    if is_first():
        try:
            result = action()
        except UserError as raised:
            error = raised
    if jax.process_count() > 1:
        failed = bool(multihost_utils.broadcast_one_to_all(np.int32(error is not None)))
        if failed and error is None:
            raise UserError("The run must start in process 0, and did not. Its message says why.")
    if error is not None:
        raise error
    return result

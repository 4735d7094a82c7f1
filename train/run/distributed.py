"""Several processes: how they find each other, agree, and fail together."""

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar, cast

import jax
import numpy as np
from jax.experimental import multihost_utils

from train.config import flatten
from train.errors import UserError
from train.halt import Halt
from train.run import peers

Result = TypeVar("Result")

_LONGEST = 64  # bytes of a machine's name on Linux
_PLACES = {"data_dir", "dataset"}

# A cluster sets one of these variables in each process that it starts. jax.distributed can then
# find out by itself which process this is.
_CLUSTER_SIZES = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE")


def initialize(
    coordinator: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
    *,
    join_timeout: int = 120,
) -> None:
    """Joins the other processes, if there are any. It must run before anything else uses JAX.

    Args:
      coordinator: the host:port of process 0; None: the cluster's variables decide, if there are
        any.
      num_processes: the number of processes.
      process_id: the number of this process, from 0.
      join_timeout: how long to wait for the others, in seconds. Then the process ends.

    Raises:
      UserError: only some of the three are given, or they do not fit together.
    """
    # JAX's own service would take SIGTERM. `train.run.interrupt` asks all processes instead.
    jax.config.update("jax_enable_preemption_service", False)

    given = {"--coordinator": coordinator, "--num-processes": num_processes}
    given["--process-id"] = process_id
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        if any(os.environ.get(name, "1") != "1" for name in _CLUSTER_SIZES):
            _join(join_timeout)
            peers.watch(_host_of_first(), from_first)
        return
    if missing:
        raise UserError(
            f"`{missing[0]}` must be given with the other two, and is missing. Give all of "
            "`--coordinator`, `--num-processes` and `--process-id`, or none."
        )

    assert coordinator is not None and num_processes is not None and process_id is not None
    if not 0 <= process_id < num_processes:
        raise UserError(
            f"`--process-id` must be at least 0 and below --num-processes ({num_processes}), "
            f"got {process_id}. Number the processes from 0."
        )
    # JAX's service would listen on every address of the machine, and it asks nobody who they are.
    _join(
        join_timeout, coordinator, num_processes, process_id, coordinator_bind_address=coordinator
    )
    peers.watch(coordinator.rpartition(":")[0].strip("[]"), from_first)


def _check_devices() -> None:
    """Refuses processes of unequal numbers of devices, which could not even compare the rest."""
    own, whole = jax.local_device_count(), jax.device_count()
    if own * jax.process_count() != whole:
        raise UserError(
            f"`cpu_devices` must be the same in all processes, got {own} of {whole} devices in "
            f"this one of {jax.process_count()} processes. Give all the same `--cpu-devices`."
        )


def _join(timeout: int, *how: Any, **more: Any) -> None:
    # At the end of JAX's own time, its client aborts with a stack in place of an error.
    late = threading.Timer(timeout, _leave_alone, [timeout])
    late.daemon = True
    late.start()
    try:
        more["initialization_timeout"] = timeout + 60
        jax.distributed.initialize(*how, **more)
    except Exception as error:  # a wrong address may raise anything
        raise UserError(
            f"The processes could not find each other ({error}). Give `--coordinator` as the "
            "host:port of process 0, which all can reach."
        ) from error
    finally:
        late.cancel()
    _check_devices()


def _leave_alone(seconds: int) -> NoReturn:
    print(
        f"interrupted: not all processes joined within {seconds} seconds. Start all of them with "
        "the same `--coordinator` and `--num-processes`, or wait longer by `--join-timeout`.",
        file=sys.stderr,
        flush=True,
    )
    os._exit(peers.LOST)


def _host_of_first() -> str:
    """Returns the name of the first process's machine, in all processes."""
    name = socket.gethostname().encode()[:_LONGEST].ljust(_LONGEST)
    return from_first(np.frombuffer(name, np.uint8)).tobytes().decode().strip()


def from_first(tree: Any) -> Any:
    """Returns the first process's pytree of arrays, to the bit, in all processes.

    Args:
      tree: in each process a pytree of the same structure, shapes and types.
    """
    if jax.process_count() == 1:
        return tree
    leaves, structure = jax.tree.flatten(jax.tree.map(np.asarray, tree))
    # The arrays are sent as bytes: the broadcast is a sum, in which -0.0 would become 0.0.
    sent = multihost_utils.broadcast_one_to_all([_bytes(leaf) for leaf in leaves])
    received = [
        np.asarray(array).view(leaf.dtype).reshape(leaf.shape)
        for array, leaf in zip(sent, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, received)


def together(action: Callable[[], Result]) -> Result:
    """Runs `action` in every process, and returns its result. If one process fails, all fail.

    Raises:
      UserError: another process failed.
      Exception: `action` raised it in this process.
    """
    result, error = _attempt(action)
    failures = np.int32(error is not None)
    if jax.process_count() > 1:
        failures = multihost_utils.process_allgather(failures).sum()
    if failures:
        peers.goodbye()  # all processes know that they leave
    if error is not None:
        raise error
    if failures:
        raise UserError(
            "All processes must be able to start, and one is not. Its message says why."
        )
    return cast(Result, result)


def is_first() -> bool:
    """Tells whether this is the process that writes and prints."""
    return jax.process_index() == 0


def check_equal(name: str, digest: str) -> None:
    """Raises an error if the processes have different digests of a thing.

    Args:
      name: the thing, for the message.
      digest: in hex.

    Raises:
      UserError: this process's digest is not that of process 0.
    """
    mine = np.frombuffer(bytes.fromhex(digest), np.uint8)
    if not np.array_equal(from_first(mine), mine):
        raise UserError(
            f"The {name} must be the same in all processes, and here is another than in process 0. "
            "Give all the same files."
        )


def check_same(record: Mapping[str, Any], **more: Any) -> None:
    """Raises an error that names the first field in which the processes' commands differ.

    The place of the data may differ. Whether the data are the same, their digest tells.

    Args:
      record: the configuration, as values that JSON can hold.
      **more: what else decides the numbers.

    Raises:
      UserError: this process's record is not that of process 0.
    """
    record = {name: value for name, value in record.items() if name not in _PLACES} | more
    mine = json.dumps(record, sort_keys=True).encode()
    size = int(from_first(np.int32(len(mine))))
    theirs = from_first(np.frombuffer(mine[:size].ljust(size), np.uint8)).tobytes()
    if mine == theirs:
        return
    own, first = (Halt.later() | flatten(json.loads(each)) for each in (mine, theirs))
    names = [name for name in {**own, **first} if own.get(name) != first.get(name)]
    name = names[0]
    others = f" So it is with {len(names) - 1} more." if len(names) > 1 else ""
    raise UserError(
        f"`{name}` must be the same in all processes, got {json.dumps(own.get(name))} here and "
        f"{json.dumps(first.get(name))} in process 0.{others} Give all the same command and files."
    )


def on_first(action: Callable[[], Result]) -> Result | None:
    """Runs `action` in the first process only, and returns its result there, else None.

    Raises:
      UserError: the first process failed, and this is another process.
      Exception: `action` raised it in this process.
    """
    return together(lambda: action() if is_first() else None)


def _attempt(action: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    try:
        return action(), None
    except Exception as error:
        return None, error


def _bytes(leaf: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(leaf).reshape(-1).view(np.uint8)

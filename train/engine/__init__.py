"""Engine: spreads a step over all devices of all processes, and runs many steps."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from train.config import Config
from train.engine.state import TrainState
from train.engine.step import Metrics
from train.errors import UserError
from train.tasks.task import BATCH, DeviceData, Sums

# Which example is seen how must not depend on what is usual in a version of JAX, or on a variable.
jax.config.update("jax_threefry_partitionable", True)
jax.config.update("jax_default_prng_impl", "threefry2x32")


class Engine:
    """The engine of a configuration, which runs its steps.

    Every device holds the whole state and all the data.
    """

    def __init__(
        self,
        config: Config,
        train_step: Callable[[TrainState, DeviceData, Any], tuple[TrainState, Metrics]],
        eval_step: Callable[[TrainState, DeviceData, jax.Array], Sums],
    ) -> None:
        """Checks that the batches can be shared out. It compiles nothing yet.

        Raises:
          UserError: a batch size is not divisible by the number of devices, or a device's part is
            not divisible by the microbatches.
        """
        num_devices = jax.device_count()
        _divisible("batch_size", config.batch_size, num_devices * config.optimizer.microbatches)
        _divisible("eval_batch_size", config.eval_batch_size, num_devices)
        self._eval_batch_size = config.eval_batch_size
        is_cpu = jax.default_backend() == "cpu"
        self.scans = not is_cpu if config.loop == "auto" else config.loop == "scan"
        # The devices of one CPU share its threads. If many steps are in progress, their collective
        # operations can wait for each other for ever.
        self._waits = is_cpu and num_devices > 1

        axis_types = (AxisType.Auto,)
        is_pmap = config.engine == "pmap"
        # pmap maps over the devices of its own process, shard_map over those of all processes.
        devices = jax.local_devices() if is_pmap else jax.devices()
        mesh = jax.make_mesh((len(devices),), (BATCH,), axis_types=axis_types, devices=devices)
        self._replicated = NamedSharding(mesh, P())
        self._split = None if is_pmap else NamedSharding(mesh, P(BATCH))
        spread = _pmap if is_pmap else lambda step, **how: _shard_map(step, mesh, **how)
        if self.scans:
            self._train = spread(_scan(train_step), donate=True)
            self._eval = spread(_map(eval_step), donate=False)
        else:
            self._train = spread(train_step, donate=True)
            self._eval = spread(eval_step, donate=False)

    def place(self, tree: Any) -> Any:
        """Copies a pytree of host arrays to every device. All processes must give the same."""
        return jax.tree.map(self._place, tree)

    def train(
        self, state: TrainState, data: DeviceData, rows: Any
    ) -> tuple[TrainState, dict[str, np.ndarray]]:
        """Makes one update for each row.

        Args:
          state: on the devices. Its memory is used again, so the caller must not use it any more.
          data: the training split, on the devices.
          rows: the batches, as `Task.rows` gives them: a pytree of arrays
            [steps, batch_size, ...], the same in all processes.

        Returns:
          The new state, and the metrics on the host, [steps] each.
        """
        shares = jax.tree.map(self._share_out, rows)
        if self.scans:
            state, metrics = self._train(state, data, jax.tree.map(self._in_a_scan, shares))
            return state, jax.device_get(metrics)
        pending = []
        for step in range(len(jax.tree.leaves(rows)[0])):
            share = jax.tree.map(lambda leaf, step=step: self._on_devices(leaf[step]), shares)
            state, metrics = self._train(state, data, share)
            pending.append(metrics)
            if self._waits:
                jax.block_until_ready(state)
        return state, _stack(jax.device_get(pending))

    def evaluate(self, state: TrainState, data: DeviceData, size: int) -> dict[str, np.ndarray]:
        """Sums what the task measures over a whole split.

        Args:
          state: on the devices.
          data: the split, on the devices.
          size: the number of its examples.

        Returns:
          The sums of the task's evaluation, float64.
        """
        of_batch = self._eval_batch_size
        indices = np.full(-(-size // of_batch) * of_batch, -1, np.int32)
        indices[:size] = np.arange(size)
        rows = self._share_out(indices.reshape(-1, of_batch))
        if self.scans:
            sums = jax.device_get(self._eval(state, data, self._in_a_scan(rows)))
        else:
            pending = []
            for row in rows:
                pending.append(self._eval(state, data, self._on_devices(row)))
                if self._waits:
                    jax.block_until_ready(pending[-1])
            sums = _stack(jax.device_get(pending))
        return {name: values.sum(0, dtype=np.float64) for name, values in sums.items()}

    def lower(self, state: Any, data: Any, rows: Any) -> Any:
        """Returns the program of one training step, so that its compiler can estimate its memory.

        Args:
          state: the shapes of a TrainState.
          data: the shapes of the training split.
          rows: the batch of one step, as for `train`.
        """
        num_devices = jax.device_count() if self._split else jax.local_device_count()

        def like(leaf: np.ndarray) -> jax.ShapeDtypeStruct:
            steps = (1,) if self.scans else ()
            of_device = leaf.shape[1] // jax.device_count()
            shape = (num_devices, *steps, of_device, *leaf.shape[2:])
            return jax.ShapeDtypeStruct(shape, leaf.dtype)

        return self._train.lower(state, data, jax.tree.map(like, rows))

    def _place(self, leaf: Any) -> jax.Array:
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, self._replicated, lambda where: leaf[where])

    def _share_out(self, rows: np.ndarray) -> np.ndarray:
        """Takes this process's part: [steps, batch, ...] -> [steps, its devices, of each, ...]."""
        processes, devices = jax.process_count(), jax.local_device_count()
        of_device = rows.shape[1] // (processes * devices)
        mine = rows.reshape(len(rows), processes, devices, of_device, *rows.shape[2:])
        return np.ascontiguousarray(mine[:, jax.process_index()])

    def _in_a_scan(self, rows: np.ndarray) -> Any:
        return self._on_devices(rows.swapaxes(0, 1))

    def _on_devices(self, rows: np.ndarray) -> Any:
        if self._split is None:
            return rows
        return jax.make_array_from_process_local_data(self._split, rows)


def _pmap(step: Callable[..., Any], *, donate: bool) -> Any:
    return jax.pmap(
        step,
        axis_name=BATCH,
        in_axes=(None, None, 0),
        out_axes=None,
        donate_argnums=(0,) if donate else (),
    )


def _shard_map(step: Callable[..., Any], mesh: jax.sharding.Mesh, *, donate: bool) -> Any:
    def on_shard(state: Any, data: Any, rows: Any) -> Any:
        return step(state, data, jax.tree.map(lambda leaf: leaf[0], rows))

    spread = jax.shard_map(
        on_shard,
        mesh=mesh,
        in_specs=(P(), P(), P(BATCH)),
        out_specs=P(),
        # There is no check, as under pmap: the step itself makes its outputs equal on all devices.
        check_vma=False,
    )
    return jax.jit(spread, donate_argnums=(0,) if donate else ())


def _scan(step: Callable[..., Any]) -> Callable[..., Any]:
    return lambda state, data, rows: lax.scan(
        lambda carry, row: step(carry, data, row), state, rows
    )


def _map(step: Callable[..., Any]) -> Callable[..., Any]:
    return lambda state, data, rows: lax.map(lambda row: step(state, data, row), rows)


def _stack(records: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    return {name: np.stack([record[name] for record in records]) for name in records[0]}


def _divisible(name: str, value: int, by: int) -> None:
    if value % by:
        below = value - value % by
        way_out = f"Take {below} or {below + by}." if below else f"Take {by}."
        raise UserError(
            f"`{name}` must be divisible by {by} (devices times microbatches), got {value}. "
            + way_out
        )

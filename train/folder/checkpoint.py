"""Checkpoints, which Orbax writes. A manifest beside the state proves that nothing was damaged."""

import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TextIO

import jax
import numpy as np
import orbax.checkpoint as ocp

from train.atomic_file import flush_names
from train.errors import UserError, shortened
from train.folder import manifest, quiet, steps
from train.folder.files import flush_folder, lock_folder, remove, set_aside
from train.folder.manifest import Manifest, Restored

PyTree = Any

quiet.keep()

_UNFINISHED = "unfinished"
"""The folder of the checkpoint that is being written."""


class Checkpoints:
    """The checkpoints of one run; a context manager.

    It keeps the two newest checkpoints, so that there is one to fall back to, and the one of the
    highest score. Each appears and disappears by one rename. So a process may be killed at any
    moment, and the newest complete checkpoint is still usable.

    Args:
        directory: the folder, which the writer makes. It gets a folder for each step, named by its
            number, and `set_aside` for damaged checkpoints.
        is_writer: true in one process. The others only restore, and their `save` does nothing.
    """

    def __init__(self, directory: Path, *, is_writer: bool = True) -> None:
        self._directory = directory.absolute()
        self._is_writer = is_writer
        self._good: set[int] = set()
        self._pending: Future[int] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._lock: TextIO | None = None

    def __enter__(self) -> Self:
        """Locks the folder. It raises a UserError if another run writes there, or none can."""
        if self._is_writer:
            self._lock = lock_folder(self._directory)
            for name in ("todelete", _UNFINISHED):
                shutil.rmtree(self._directory / name, ignore_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for the save in progress, and raises its UserError if it fails."""
        try:
            self._settle()
        finally:
            self._thread.shutdown()
            if self._lock is not None:
                self._lock.close()

    def latest_step(self) -> int | None:
        """Returns the newest complete step on disk. A save in progress does not count."""
        return max(self._steps(), default=None)

    def best_step(self) -> int | None:
        """Waits for a save in progress, and returns the step of the highest score."""
        self._settle()
        return _best(self._scores())

    def restore(
        self, like: Callable[[Manifest], PyTree], *, step: int | None = None
    ) -> Restored | None:
        """Returns the newest checkpoint that agrees with its manifest, or that of a step.

        Newer checkpoints that are damaged are moved to `set_aside`, each with a line on stderr.

        Args:
            like: returns a pytree like the state of a manifest. Only the shapes and types of its
                leaves are read. It raises a UserError where the manifest is of another run.
            step: the step of the checkpoint; None: the newest.

        Returns:
            The checkpoint; None if nothing was ever saved.

        Raises:
            UserError: the checkpoint is of another model or run, or all are damaged.
        """
        if self._is_writer:
            steps.put_back_renamed(self._directory)
        every = sorted(self._steps(), reverse=True) if step is None else [step]
        return self._restore(like, every)

    def save(
        self,
        step: int,
        state: PyTree,
        *,
        about: Manifest,
        score: float | None = None,
        wait: bool = False,
    ) -> None:
        """Saves a checkpoint. It copies the state to the host, and writes in the background.

        A step that was saved or restored before stays as it is, with its score.

        Args:
            step: the number of updates done. It is above that of every complete checkpoint.
            state: a pytree of arrays. In a run of several processes they are replicated.
            about: what the manifest says of the run, as values that JSON can hold.
            score: higher is better. A NaN is no score.
            wait: return only when the checkpoint is complete on disk.

        Raises:
            UserError: this save, or the one before it, could not be written.
            ValueError: a newer checkpoint exists.
        """
        if not self._is_writer:
            return
        self._settle()
        if step not in self._good:
            newest = self.latest_step()
            if newest is not None and step <= newest:
                raise ValueError(
                    f"`step` must be above the newest checkpoint's ({newest}), got {step}. "
                    "Restore before you save, or use another folder."
                )
            leaves = manifest.flatten_to_host(state)
            record = manifest.describe(leaves, step=step, score=score, about=about)
            self._pending = self._thread.submit(self._write, step, leaves, record)
        if wait:
            self._settle()

    def _steps(self) -> list[int]:
        return steps.known(self._directory)

    def _scores(self) -> dict[int, float]:
        scores = {step: each["score"] for step, each in steps.manifests(self._directory).items()}
        return {step: score for step, score in scores.items() if score is not None}

    def _settle(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            self._good.add(pending.result())

    def _manager(self, directory: Path, **options: Any) -> ocp.CheckpointManager:
        # Each operation makes a manager, which takes 5 ms: the list of steps that a manager keeps
        # has unfinished and failed saves in it, and goes out of date when a step is set aside.
        process = jax.process_index()
        return ocp.CheckpointManager(
            directory,
            options=ocp.CheckpointManagerOptions(
                create=False,
                enable_async_checkpointing=False,  # our thread writes, and computes the digests
                lightweight_initialize=True,
                multiprocessing_options=ocp.options.MultiprocessingOptions(
                    primary_host=process, active_processes={process}
                ),
                **options,
            ),
        )

    def _write(self, step: int, leaves: dict[str, np.ndarray], record: Manifest) -> int:
        # A step gets its place when all of it is on the disk, and only then may older ones go: so a
        # power cut leaves no step of which a part is missing, and at least one that is whole.
        unfinished = self._directory / _UNFINISHED
        try:
            unfinished.mkdir(exist_ok=True)
            with self._manager(unfinished) as manager:
                items = ocp.args.Composite(
                    state=ocp.args.StandardSave(manifest.nonempty(leaves)),
                    manifest=ocp.args.JsonSave(record),
                )
                manager.save(step, args=items, force=True)  # the loop decides when to save
            flush_folder(unfinished / str(step))
            (unfinished / str(step)).rename(self._directory / str(step))
            flush_names(self._directory)
            keep = {*sorted(self._steps())[-2:], _best(self._scores())}
            steps.discard(self._directory, [each for each in self._steps() if each not in keep])
        except Exception as error:
            raise UserError(
                f"The checkpoint of step {step} could not be written to {self._directory} "
                f"({shortened(error)}). Make room, and start the same command again."
            ) from error
        finally:
            remove(unfinished)
        return step

    def _restore(self, like: Callable[[Manifest], PyTree], every: Sequence[int]) -> Restored | None:
        damaged: dict[int, str] = {}
        for step in every:
            try:
                found = self._read(step, like)
            except UserError:
                raise
            except Exception as error:  # damaged bytes may raise anything
                damaged[step] = shortened(error)
                continue

            damaged |= steps.without_manifest(self._directory)  # older ones, too: one was the best
            for bad, reason in damaged.items() if self._is_writer else ():
                target = set_aside(self._directory / str(bad), self._directory / "set_aside")
                print(
                    f"warning: the checkpoint of step {bad} is damaged ({reason}); "
                    f"moved to {target}, going on from step {step}",
                    file=sys.stderr,
                )
            self._good = {step}  # what is newer may be moved away, and saved again
            return found

        if not damaged:
            return None
        reasons = "; ".join(f"step {step}: {reason}" for step, reason in damaged.items())
        raise UserError(
            f"No checkpoint in {self._directory} is intact ({reasons}). "
            "Nothing was moved. Put back a copy, or move the folder away to start from scratch."
        )

    def _read(self, step: int, like: Callable[[Manifest], PyTree]) -> Restored:
        record = manifest.read(self._directory / str(step))
        tree = like(record)
        flat = manifest.flatten(tree)
        if difference := manifest.difference(record, flat):
            raise UserError(
                f"The checkpoint of step {step} in {self._directory} is of another run: "
                f"{difference}. Choose another `--workdir`, or the settings it was trained with."
            )
        leaves = {path: np.empty(leaf.shape, leaf.dtype) for path, leaf in flat.items()}
        with self._manager(self._directory, read_only=True) as manager:
            items = ocp.args.Composite(state=ocp.args.StandardRestore(manifest.nonempty(leaves)))
            leaves |= manager.restore(step, args=items)["state"]
        manifest.verify_leaves(record, leaves)
        state = jax.tree.unflatten(jax.tree.structure(tree), leaves.values())
        return Restored(step, state, record)


def _best(scores: dict[int, float]) -> int | None:
    return max(scores, key=lambda step: (scores[step], step), default=None)

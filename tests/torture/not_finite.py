"""Numbers that are not finite, put into every part of a step: the guard finds each of them."""

import collections
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax

from train.engine import Engine, guard, step
from train.run.job import Job, prepare
from train.tasks.task import DeviceData

from . import tiny

CLAIM = (
    "A number that is not finite, in a pixel, a loss, a gradient, a parameter, the optimizer's "
    "state or the batch statistics, is found on its step; no state before or after it holds one; "
    "`skip` leaves every bit of the state but the step's number, and `halt` every bit."
)
COUNT = 600
FEW = 24

PARTS = ("pixel", "loss", "gradient", "parameter", "optimizer", "statistics")
NUMBERS = (np.nan, np.inf, -np.inf)
_STEPS = 8
_NOWHERE = -1


class _Spoiled(NamedTuple):
    """One split, and what is put where."""

    split: DeviceData
    part: Any
    """The place in `PARTS`, int32."""
    leaf: Any
    """The number of the array in that part, int32."""
    at: Any
    """The step, int32; -1: none."""
    number: Any


def torture(random: np.random.Generator, folder: Path, count: int) -> dict[str, int | float | str]:
    """Spoils one number of one step, for each action of the guard in turn."""
    harness = {action: _Harness(action) for action in ("halt", "skip")}
    figures = collections.Counter[str](cases=count)
    for case in range(count):
        action = ("halt", "skip")[case % 2]
        part = int(random.integers(len(PARTS)))
        at, leaf = int(random.integers(_STEPS)), int(random.integers(1000))
        number = NUMBERS[random.integers(len(NUMBERS))]
        words = f"{case}: {number} in a {PARTS[part]} at step {at}, {action}"
        harness[action].try_one(part, leaf, at, number, words)
        figures[PARTS[part]] += 1
    return dict(figures)


class _Harness:
    """A step that can be spoiled by its data, so that it is compiled once for all cases."""

    def __init__(self, action: str) -> None:
        rule = {"halt.action": action, "halt.threshold": None}
        self._job = prepare(tiny.config(**rule))
        self._engine = Engine(*_spoiled(self._job))
        split = self._job.place_splits()["train"]
        nothing = (np.int32(0), np.int32(0), np.int32(_NOWHERE), np.float32(0))
        self._data = _Spoiled(split, *nothing)
        self._start = jax.device_get(self._job.create_state())
        self._action = action

    def try_one(self, part: int, leaf: int, at: int, number: float, case: str) -> None:
        """Makes the steps before the bad one, that one, and the rest."""
        bad = self._data._replace(
            part=np.int32(part), leaf=np.int32(leaf), at=np.int32(at), number=np.float32(number)
        )
        state = self._engine.place(self._start)
        if at:
            state, _ = self._run(state, bad, range(at))
        before = jax.device_get(state)
        state, metrics = self._run(state, bad, range(at, at + 1))
        after = jax.device_get(state)
        assert metrics["not_finite"].tolist() == [True], f"{case}: not found"
        is_skip = self._action == "skip"
        assert metrics["skipped"].tolist() == [is_skip], f"{case}: {metrics['skipped']}"
        assert bool(after.halted) == (not is_skip), f"{case}: halted is {after.halted}"
        _compare(before, after, is_skip, case)
        state, metrics = self._run(state, bad, range(at + 1, _STEPS + 1))
        assert metrics["halted"].all() == (not is_skip), f"{case}: {metrics['halted']}"
        for each in (before, after, jax.device_get(state)):
            assert not guard.not_finite(each), f"{case}: a state holds one"

    def _run(self, state: Any, data: Any, steps: range) -> tuple[Any, dict[str, np.ndarray]]:
        return self._engine.train(state, data, self._job.indices(steps))


def _compare(before: Any, after: Any, is_skip: bool, case: str) -> None:
    """Compares each bit of two states, but for what a skipped step counts."""
    counts = {"step", "skipped", "halted"} if is_skip else {"halted"}
    old, new = (jax.tree_util.tree_leaves_with_path(each) for each in (before, after))
    for (path, one), (_, other) in zip(old, new, strict=True):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        is_count = name in counts or (is_skip and "learning_rate/step" in name)
        assert is_count or one.tobytes() == other.tobytes(), f"{case}: {name} has changed"


def _spoiled(job: Job) -> tuple[Any, Callable[..., Any], Callable[..., Any]]:
    """Returns the configuration, and its steps with a place for a bad number in each part."""
    now: list[tuple[Any, Any]] = []

    def bad(part: str) -> jax.Array:
        """The number, where this part of this step gets one; else zero."""
        state, data = now[-1]
        is_here = (data.part == PARTS.index(part)) & (data.at == state.step)
        return jnp.where(is_here, data.number, 0.0)

    def one_leaf(part: str, tree: Any) -> Any:
        leaves, structure = jax.tree.flatten(tree)
        real = [n for n, leaf in enumerate(leaves) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
        chosen = jnp.asarray(real)[now[-1][1].leaf % len(real)]
        found = [
            leaf + jnp.where(chosen == n, bad(part), 0.0).astype(leaf.dtype) if n in real else leaf
            for n, leaf in enumerate(leaves)
        ]
        return jax.tree.unflatten(structure, found)

    learner, optimizer = job.program.learner, job.program.optimizer

    def batch(data: Any, rows: jax.Array, keys: jax.Array | None) -> Any:
        made = learner.batch(data, rows, keys)
        return made._replace(images=made.images.at[0, 16, 16, 0].add(bad("pixel")))

    def loss(*arguments: Any) -> tuple[jax.Array, tuple[Any, Any]]:
        value, (stats, measures) = learner.loss(*arguments)
        return value + bad("loss"), (one_leaf("statistics", stats), measures)

    def update(grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        updates, new = optimizer.update(one_leaf("gradient", grads), state, params)
        return updates, one_leaf("optimizer", new)

    make = step.make_train_step(
        job.config,
        dataclasses.replace(learner, batch=batch, loss=loss),
        optax.GradientTransformation(None, update),
        None,
    )
    apply_updates = optax.apply_updates

    def train(state: Any, data: _Spoiled, rows: jax.Array) -> Any:
        now.append((state, data))
        spoiled = mock.patch.object(
            step.optax,
            "apply_updates",
            lambda *given: one_leaf("parameter", apply_updates(*given)),
        )
        with spoiled:
            return make(state, data.split, rows)

    return job.config, train, step.make_eval_step(job.config, learner)

"""Compiled programs. Runs that differ only in schedule, seed or length share one.

That is possible because the schedule is data: a table of its rates in the optimizer's state.
"""

import dataclasses
import functools
from collections.abc import Callable, Hashable
from typing import Any

import jax
import numpy as np
import optax

import log_anneal as la
from train import optimizer
from train.config import Config, fields_of
from train.engine import Engine, guard, state, step
from train.engine.state import TrainState
from train.tasks.task import Data, Learner, Task


@dataclasses.dataclass(frozen=True)
class Program:
    """The functions that are traced once, for all runs that share them."""

    learner: Learner
    engine: Engine
    optimizer: optax.GradientTransformation
    create: Callable[[Any, Any, Any], TrainState]
    """The function `(seed, rates, watch_from) -> state`, which gives the state before step 0."""
    reschedule: Callable[[Any, Any], Any]
    """The function `(opt_state, rates) -> opt_state`, which puts another schedule in."""


@dataclasses.dataclass(frozen=True)
class _Key:
    """The key of a program: it decides whether two runs share one. The config is not compared."""

    fields: str
    data: Hashable
    threshold: float | None
    devices: tuple[jax.Device, ...]
    config: Config = dataclasses.field(compare=False)
    task: Task = dataclasses.field(compare=False)


def program(config: Config, task: Task, data: Data) -> Program:
    """Returns the program of a configuration, from an earlier run if it is the same.

    The last eight programs are kept, since a study goes through its settings seed by seed.

    Raises:
      UserError: the batches cannot be shared out, or the model cannot be built.
    """
    threshold = guard.threshold(config.halt, data.guess.loss)
    devices = tuple(jax.devices())
    return _program(_Key(fields_of(config), data.key, threshold, devices, config, task))


@functools.lru_cache(maxsize=8)
def _program(key: _Key) -> Program:
    config = key.config
    learner = key.task.learner(config, key.data)

    def chain(rates: Any) -> optax.GradientTransformation:
        schedule = la.live(la.TabulatedSchedule(values=rates))
        return optimizer.build(config.optimizer, schedule, learner.decay_mask)

    def create(seed: Any, rates: Any, watch_from: Any) -> TrainState:
        return state.create(seed, learner, chain(rates), watch_from=watch_from)

    def reschedule(opt_state: Any, rates: Any) -> Any:
        return la.swap(opt_state, learning_rate=la.TabulatedSchedule(values=rates))

    any_chain = chain(np.zeros(1))  # the rates do not matter: a step uses those in the state
    train_step = step.make_train_step(config, learner, any_chain, key.threshold)
    engine = Engine(config, train_step, step.make_eval_step(config, learner))
    return Program(learner, engine, any_chain, jax.jit(create), jax.jit(reschedule))

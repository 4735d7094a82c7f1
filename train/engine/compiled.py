"""Compiled programs. Runs that differ only in schedule, seed or length share one.

That is possible because the schedule is data: a table of its rates in the optimizer's state.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax

import log_anneal as la
from train import optimizer
from train.config import Config, fields_of
from train.engine import Engine, guard, state, step
from train.engine.state import TrainState
from train.models.build import build, decay_mask
from train.models.model import Model


@dataclasses.dataclass(frozen=True)
class Program:
    """The functions that are traced once, for all runs that share them."""

    model: Model
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
    num_classes: int
    devices: tuple[jax.Device, ...]
    config: Config = dataclasses.field(compare=False)


def program(config: Config, num_classes: int) -> Program:
    """Returns the program of a configuration, from an earlier run if it is the same.

    The last eight programs are kept, since a study goes through its settings seed by seed.

    Raises:
      UserError: the batches cannot be shared out, or the model cannot be built.
    """
    return _program(_Key(fields_of(config), num_classes, tuple(jax.devices()), config))


@functools.lru_cache(maxsize=8)
def _program(key: _Key) -> Program:
    config = key.config
    model = build(config.model, num_classes=key.num_classes, axis_name=step.BATCH)

    def chain(rates: Any) -> optax.GradientTransformation:
        schedule = la.live(la.TabulatedSchedule(values=rates))
        return optimizer.build(config.optimizer, schedule, decay_mask)

    def create(seed: Any, rates: Any, watch_from: Any) -> TrainState:
        return state.create(seed, model, chain(rates), watch_from=watch_from)

    def reschedule(opt_state: Any, rates: Any) -> Any:
        return la.swap(opt_state, learning_rate=la.TabulatedSchedule(values=rates))

    any_chain = chain(np.zeros(1))  # the rates do not matter: a step uses those in the state
    threshold = guard.threshold(config.halt, key.num_classes)
    train_step = step.make_train_step(config, model, any_chain, threshold)
    engine = Engine(config, train_step, step.make_eval_step(config, model))
    return Program(model, engine, any_chain, jax.jit(create), jax.jit(reschedule))

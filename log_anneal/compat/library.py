"""The libraries: their schedules by name, those that have no place here, and why."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from log_anneal._core.schedule import Schedule
from log_anneal.compat.keras_schedules import KERAS
from log_anneal.compat.optax_schedules import OPTAX
from log_anneal.compat.peer import Peer, build, nearest
from log_anneal.compat.published import PUBLISHED_FOR_TORCH
from log_anneal.compat.timm import TIMM
from log_anneal.compat.torch import TORCH_MOMENTUM
from log_anneal.compat.torch_parts import TORCH
from log_anneal.compat.transformers import TRANSFORMERS


class Absent(NamedTuple):
    """A name of another library that makes no schedule here."""

    reason: str
    """What it is, so that it is no function of the step."""
    way: str
    """What to do instead."""


_METRIC = "It needs a metric, and is no function of the step."
_PLATEAU = "Take `la.plateau`, which is in the optimizer's state."
_GREEDY = "`la.plateau` lowers the rate by a metric, and does not raise it."
_BASE = "It is the class that the others come from, and has no curve."
_OWN = "Write a subclass of `la.Schedule`, as docs/extending.md does."
_TEXT = "It reads or writes a schedule, and has no curve."
_INJECT = "It wraps an optimizer, and has no curve."
_TYPE = "It is a type, and has no curve."
_LIVE = "Use it as it is: `la.live(schedule)` goes where it takes a schedule."
_FACTORY = "It reads a command line, and calls one of the others."


class Library(NamedTuple):
    """What `compat` knows of a library."""

    title: str
    """What people call it."""
    builder: str
    """The function of `compat` that builds its schedules."""
    where: str
    """The module that has the names."""
    peers: Mapping[str, Peer]
    absent: Mapping[str, Absent]


LIBRARIES = {
    "torch": Library(
        "PyTorch",
        "torch_schedule",
        "torch.optim.lr_scheduler",
        TORCH,
        {
            "LRScheduler": Absent(_BASE, _OWN),
            "ReduceLROnPlateau": Absent(_METRIC, _PLATEAU),
        },
    ),
    "keras": Library(
        "Keras",
        "keras_schedule",
        "keras.optimizers.schedules",
        KERAS,
        {
            "LearningRateSchedule": Absent(_BASE, _OWN),
            "deserialize": Absent(_TEXT, "Take `la.from_json(text)`."),
            "serialize": Absent(_TEXT, "Take `la.to_json(schedule)`."),
        },
    ),
    "timm": Library(
        "timm",
        "timm_schedule",
        "timm.scheduler",
        TIMM,
        {
            "PlateauLRScheduler": Absent(_METRIC, _PLATEAU),
            "create_scheduler": Absent(_FACTORY, "Name the scheduler itself."),
            "create_scheduler_v2": Absent(_FACTORY, "Name the scheduler itself."),
            "scheduler_kwargs": Absent(_FACTORY, "Name the scheduler itself."),
        },
    ),
    "optax": Library(
        "Optax",
        "optax_schedule",
        "optax.schedules",
        OPTAX,
        {
            "InjectHyperparamsState": Absent(_TYPE, "`la.current(state)` reads the rate from it."),
            "InjectStatefulHyperparamsState": Absent(
                _TYPE, "`la.current(state)` reads the rate from it."
            ),
            "Schedule": Absent(_TYPE, "Every schedule of ours is one."),
            "StatefulSchedule": Absent(_TYPE, "`la.live(schedule)` is one."),
            "WrappedSchedule": Absent(
                _TYPE, "`la.live(schedule)` has a state that can be swapped."
            ),
            "inject_hyperparams": Absent(_INJECT, _LIVE),
            "inject_stateful_hyperparams": Absent(_INJECT, _LIVE),
        },
    ),
    "transformers": Library(
        "transformers",
        "transformers_schedule",
        "transformers.optimization",
        TRANSFORMERS,
        {
            "get_adafactor_schedule": Absent(
                "It shows the rate that Adafactor computes of the weights.",
                "Take `optax.adafactor` without a learning rate.",
            ),
            "get_greedy_schedule": Absent(_METRIC, _GREEDY),
            "get_reduce_on_plateau_schedule": Absent(_METRIC, _PLATEAU),
            "get_scheduler": Absent(
                "It calls the others by their short names.", "Give the short name itself."
            ),
            "greedy": Absent(_METRIC, _GREEDY),
            "reduce_lr_on_plateau": Absent(_METRIC, _PLATEAU),
        },
    ),
}
"""Every name of each library is in `peers` or in `absent`; docs/coming_from.md has both."""


def build_of(library: str, name: Any, arguments: Mapping[str, Any]) -> Schedule:
    """Builds the schedule that a library has by a name."""
    peers: Mapping[str, Peer] = LIBRARIES[library].peers
    if library == "torch":
        peers = {**peers, **PUBLISHED_FOR_TORCH}
    if not isinstance(name, str) or name not in peers:
        raise _unknown(name, library, peers)
    return build(peers[name], name, arguments)


def build_momentum(name: Any, arguments: Mapping[str, Any]) -> Schedule:
    """Builds the schedule of the momentum that a scheduler of PyTorch moves."""
    if not isinstance(name, str) or name not in TORCH_MOMENTUM:
        raise ValueError(
            f"`name` must be {' or '.join(TORCH_MOMENTUM)}, which move the momentum, got {name!r}. "
            "The others leave it as the optimizer has it."
        )
    return build(TORCH_MOMENTUM[name], name, arguments)


def _unknown(name: Any, library: str, peers: Mapping[str, Peer]) -> ValueError:
    """Tells what to do about a name that makes no schedule."""
    ours = LIBRARIES[library]
    if isinstance(name, str) and name in ours.absent:
        return ValueError(
            f"`name` must be that of a function of the step, got {name!r}. "
            f"{ours.absent[name].reason} {ours.absent[name].way}"
        )
    for other in LIBRARIES.values():
        if other is not ours and isinstance(name, str) and name in other.peers:
            return ValueError(
                f"`name` must be one of {ours.title}'s, got {name!r}, which is {other.title}'s. "
                f"Take `compat.{other.builder}`."
            )
    near = nearest(name, peers)
    way_out = f"Did you mean {near!r}?" if near else "Take one of these."
    return ValueError(f"`name` must be one of {', '.join(peers)}, got {name!r}. {way_out}")

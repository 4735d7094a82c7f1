"""What a record says of a schedule, a function and a task: its name, and a digest."""

import contextlib
import dataclasses
import functools
import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import log_anneal as la
from train.errors import UserError
from train.rates import values_of

RESERVED = (
    *("kind", "split", "step", "epoch", "seconds", "loss", "accuracy", "count"),
    *("grad_norm", "update_norm", "learning_rate", "halted", "images_per_second"),
    *("skipped", "bad_leaf", "not_finite", "above_threshold", "spike"),
)
"""The names that a line of the log has already."""


def check_measures(measures: Mapping[str, Callable[..., Any]], task: Any = None) -> None:
    """Refuses measures whose names the log has already, or whose source cannot be found."""
    taken = (*RESERVED, *(each.name for each in getattr(task, "measures", ())))
    for name, measure in measures.items():
        written(f"measures.{name}", measure)
        if not name.isidentifier() or name in taken:
            raise UserError(
                f"`measures` must have names of letters that the log has not, got {name!r}. "
                f"The log has {', '.join(taken)}. Take another name."
            )


def written(name: str, function: Callable[..., Any]) -> dict[str, str]:
    """Returns what tells a function or a class from others, as values that JSON can hold.

    The digest is of its own source, as it was when this was first asked. What it calls is not in
    it.

    Args:
      name: of the field that holds it.
      function: as a configuration file defines it.

    Raises:
      UserError: its source is in no file.
    """
    try:
        digest = _digest(function)
    except (OSError, TypeError) as error:
        raise UserError(
            f"`{name}` must be a function or a class that a file defines, got {function!r}, whose "
            "source cannot be found. Define it in the configuration file by `def` or `class`."
        ) from error
    return {"function": name_of(function), "source_sha256": digest}


@functools.cache  # the file may be edited while a run goes on
def _digest(function: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()


def describe_task(task: Any) -> dict[str, Any]:
    """Returns what tells a task from others, as values that JSON can hold.

    Of a task of the user's own the digest of its source is in it, and of nothing that it calls.

    Raises:
      UserError: its source is in no file.
    """
    is_ours = type(task).__module__.startswith("train.tasks.")
    source = {} if is_ours else {"source_sha256": written("task", type(task))["source_sha256"]}
    return {"name": task.name, **source, **dataclasses.asdict(task)}


def name_of(function: Callable[..., Any]) -> str:
    """Returns the name of a function or a class."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def describe(schedule: Any, num_steps: int = 1000) -> dict[str, Any]:
    """Returns what tells a schedule from others, as values that JSON can hold.

    A schedule of the library is described by its fields. Any other function is described by its
    name and the digest of its first values.

    Args:
      schedule: a function of the step.
      num_steps: how many values go into the digest.
    """
    if isinstance(schedule, la.Schedule):
        with contextlib.suppress(TypeError):  # it holds a function, which is no data
            return la.to_dict(schedule)
    values = values_of(schedule, num_steps)  # beyond the run too, where they may be no rates
    return {
        "callable": name_of(schedule),
        "values_sha256": hashlib.sha256(values.tobytes()).hexdigest(),
    }

"""Laws of the form: one program, of one size, and a schedule that is data."""

import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp

from log_anneal._core.duration_kinds import Count
from log_anneal._core.field_kinds import Numbers
from log_anneal._core.schedule import Schedule
from log_anneal._core.to_json import from_json, to_json
from log_anneal._core.tree import given
from log_anneal._laws.broken import broken
from log_anneal._laws.probe import Probe, has_functions, is_of_steps


def one_trace(probe: Probe) -> None:
    """All schedules of a class and form share one traced function."""
    schedule, traced = probe.schedule, []

    @jax.jit
    def value(schedule: Schedule, step: jax.Array) -> jax.Array:
        traced.append(schedule)
        return schedule(step)

    others = [schedule, jax.device_put(schedule)]
    others += [] if is_of_steps(schedule) else [schedule.stretch(2)]
    for number, each in enumerate(others, 1):
        try:
            jax.eval_shape(value, each, jnp.int32(0))
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise broken(
                *("one trace", schedule, None),
                ("what JAX can trace of `value_at`", "nothing"),
                ("the reason", _reason(error)),
                "Use `xp.where` for a choice, `xp.take` for a table and the functions of `xp`: no "
                "`if` on a step or a number, and no function of `math` or NumPy.",
            ) from error
        if len(traced) > 1:
            raise broken(
                *("one trace", schedule, None),
                *(("the number of traces", len(traced)), ("the number of schedules", number)),
                "Declare what changes as a `number()`, `duration()` or `count()`: each value of an "
                "`option()` or `function()` is a trace of its own.",
            )


def _reason(error: Exception) -> str:
    if isinstance(error, jax.errors.TracerBoolConversionError):
        return f"an `if`, `and`, `or` or `while` on a step or a number ({type(error).__name__})"
    return f"{type(error).__name__}: {str(error).splitlines()[0].rstrip('.')}"


def program_size(probe: Probe) -> None:
    """More cycles, or a longer table, make no larger program."""
    schedule = probe.schedule
    longer = {name: _longer(schedule, name, value) for name, value in given(schedule).items()}
    changes = {name: value for name, value in longer.items() if value is not None}
    for change in ({name: value} for name, value in changes.items()):
        try:
            other = schedule.replace(**change)
        except ValueError:  # it does not go with the other fields
            continue
        sizes = [_equations(_program(each, jnp.int32(0)).jaxpr) for each in (schedule, other)]
        if sizes[0] != sizes[1]:
            (name,) = change
            raise broken(
                *("program size", schedule, None),
                ("the number of operations", sizes[0]),
                (f"that with a larger `{name}`", sizes[1]),
                "Write no loop over cycles or over a table in `value_at`: find the place in it by "
                "`%`, `//` or `xp.searchsorted`, and take the number by `xp.take`.",
            )


_program: Any = jax.make_jaxpr(lambda schedule, step: schedule(step))


def _longer(schedule: Schedule, name: str, value: Any) -> Any:
    kind = schedule._kinds[name]
    if isinstance(kind, Count) and value:
        return 3 * value
    if isinstance(kind, Numbers) and value:
        return (*value, *value[-1:] * 2)
    return None


def _equations(jaxpr: Any) -> int:
    values = jax.tree.leaves([list(equation.params.values()) for equation in jaxpr.eqns])
    inner = (getattr(value, "jaxpr", value) for value in values)
    return len(jaxpr.eqns) + sum(_equations(each) for each in inner if hasattr(each, "eqns"))


def data(probe: Probe) -> None:
    """`==`, `hash`, `repr`, `pickle`, `copy` and JSON give an equal schedule."""
    schedule = probe.schedule
    again: dict[str, Any] = {
        "`copy.copy`": copy.copy,
        "`copy.deepcopy`": copy.deepcopy,
        "`replace()`": lambda schedule: schedule.replace(),
        "`jax.device_put`": jax.device_put,
        "`pickle`": lambda schedule: pickle.loads(pickle.dumps(schedule)),  # noqa: S301, its own
    }
    if not has_functions(schedule):
        again["JSON"] = lambda schedule: from_json(to_json(schedule))
    for name, make in again.items():
        try:
            other = make(schedule)
        except (AttributeError, TypeError, ValueError, pickle.PicklingError) as error:
            raise broken(
                *("data", schedule, None),
                ("the schedule", type(schedule).__qualname__),
                (f"what {name} makes of it", f"{type(error).__name__}: {error}"),
                "Define the class at the top of a module, with a name of its own: "
                '`name: ClassVar[str] = "..."`. Keep what it needs in its fields.',
            ) from error
        for what, of in _COMPARED.items():
            if of is repr and name == "`jax.device_put`":
                continue  # there the defaults that follow other fields are resolved
            mine, theirs = of(schedule), of(other)
            if mine != theirs:
                raise broken(
                    *("data", schedule, None),
                    *((f"{what} of the schedule", mine), (f"that after {name}", theirs)),
                    "Keep all that a schedule is in its fields, and leave `__eq__`, `__hash__` and "
                    "`__repr__` as they are.",
                )


_COMPARED: dict[str, Any] = {
    "the class and the fields": lambda schedule: schedule,
    "the hash": hash,
    "the text": repr,
}

"""The rates of a schedule, which may be a function of the user's own."""

import reprlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import log_anneal as la
from train.errors import UserError

_MEND = "Return the rate."
_TABULATE = (
    "Make a table of it, which calls it step by step: "
    "`log_anneal.tabulated_schedule(function, num_steps=...)`."
)


def rates_of(schedule: Callable[..., Any], num_steps: int) -> np.ndarray:
    """Returns the rate of each step of a run: float32, [num_steps].

    Args:
      schedule: of log_anneal, or any function of the step that JAX can trace.
      num_steps: the length of the run.

    Raises:
      UserError: it cannot be traced, or does not give a rate at each step.
    """
    rates = values_of(schedule, num_steps)
    _refuse_no_rates(rates)
    return rates


def rates_of_record(
    record: Mapping[str, Any], steps_per_epoch: int, num_steps: int
) -> np.ndarray | None:
    """Returns the first rates of a schedule that a run had: float32, [num_steps].

    Args:
      record: of the schedule, as `train.folder.record.schedule_since` gives it.
      steps_per_epoch: the number of updates in an epoch.
      num_steps: how many rates.

    Returns:
      The rates; None where a record does not suffice: of a function, or of a class that is not
      defined any more.
    """
    try:
        schedule = la.from_dict(record["schedule"])
    except ValueError:
        return None
    factor = Fraction(*record["stretch"])
    if record["schedule_unit"] == "epochs":
        factor *= steps_per_epoch
    if factor != 1:
        schedule = schedule.stretch(int(factor) if factor.denominator == 1 else float(factor))
    return rates_of(schedule, num_steps)


def rates_in(opt_state: Any, num_steps: int) -> np.ndarray:
    """Returns the first rates of a run by its optimizer's state, which has all: float32."""

    def is_live(node: object) -> bool:
        return isinstance(node, la.LiveState)

    (live,) = filter(is_live, jax.tree.leaves(opt_state, is_leaf=is_live))
    rate = la.live(la.constant_schedule(0.0))  # which gives the rates of any state
    found = jax.vmap(lambda step: rate(live._replace(step=step)))(jnp.arange(num_steps))
    return np.asarray(found, np.float32)


def values_of(schedule: Callable[..., Any], num_steps: int) -> np.ndarray:
    """Returns the values of a schedule, also where they are no rates: float32, [num_steps].

    Raises:
      UserError: it cannot be traced, or does not give a number at each step.
    """
    with jax.ensure_compile_time_eval():  # a caller may be tracing
        steps = jnp.arange(num_steps, dtype=jnp.int32)
        if isinstance(schedule, la.Schedule):
            return np.asarray(schedule(steps), np.float32)
        return _of_function(schedule, steps)


def check_proportion(
    written: Callable[..., Any], stretched: Callable[..., Any], by: Fraction, num_steps: int
) -> None:
    """Refuses a stretched schedule whose parts have not grown in proportion.

    A kind that repeats one short duration by itself, such as a table's interval, a stair or a turn,
    rounds it up to whole steps: a table of one value a step, stretched by 1.2, has two steps each.

    Args:
      written: the schedule as it was written, in steps.
      stretched: the schedule that is to be followed, in steps.
      by: the factor between them.
      num_steps: the length of the stretched run.

    Raises:
      UserError: at some step, it is not what the written one is within two steps of there.
    """
    old = values_of(written, int(num_steps / by) + 4)
    new = values_of(stretched, num_steps)
    at = (np.arange(num_steps) / float(by)).astype(np.int64)
    near = np.stack([old[np.clip(at + shift, 0, len(old) - 1)] for shift in range(-2, 4)])
    # A peak may lie between two steps of the one, and on a step of the other.
    room = 0.02 * np.abs(old).max()
    is_near = (new >= near.min(0) - room) & (new <= near.max(0) + room)
    if not is_near.all():
        step = int(np.argmin(is_near))
        raise UserError(
            "`--extend stretch` must find a schedule whose durations all grow in proportion, by "
            f"{float(by):.4g}, got {reprlib.repr(stretched)}, which at step {step} is not where "
            "the written one is in proportion: a duration of few steps was rounded up. Take a "
            "number of epochs that is a multiple of the old one, or `--extend keep` with another "
            "schedule by `--adjust-schedule`."
        )


def _of_function(function: Callable[..., Any], steps: jax.Array) -> np.ndarray:
    try:
        rates = jax.vmap(function)(steps)
    except Exception as error:  # a user's code raises anything
        raise _why(function, error) from error
    dtype = getattr(rates, "dtype", type(rates))
    if not any(jnp.issubdtype(dtype, kind) for kind in (jnp.integer, jnp.floating)):
        raise UserError(f"`schedule` must return a real number for each step, got {dtype}. {_MEND}")
    if jnp.shape(rates) != steps.shape:
        raise UserError(
            "`schedule` must return one number for each step, got an array of shape "
            f"{jnp.shape(rates)[1:]}. Return one of them, or their mean."
        )
    return np.asarray(rates, np.float32)


def _why(function: Callable[..., Any], error: Exception) -> UserError:
    """Tells a function that JAX cannot trace from one that fails by itself."""
    try:
        rate = function(0)
    except Exception as plainly:  # a user's code raises anything
        return UserError(
            f"`schedule` must be a function of the step, and raises {_first_line(plainly)} at step "
            "0. It is called with the step alone: mend it, or bind its other arguments."
        )
    if not isinstance(rate, (int, float, np.number, np.ndarray, jax.Array)):
        return UserError(
            f"`schedule` must return a real number for each step, got {rate!r}. {_MEND}"
        )
    return UserError(
        "`schedule` must be a function that JAX can trace, and raises "
        f"{_first_line(error)}. {_TABULATE}"
    )


def _first_line(error: Exception) -> str:
    said = (str(error).splitlines() or [""])[0].rstrip(".")
    return f"{type(error).__name__}: {said}"


def _refuse_no_rates(rates: np.ndarray) -> None:
    """Refuses rates that would ruin a network, or climb where it should descend."""
    is_rate = np.isfinite(rates) & (rates >= 0)
    if is_rate.all():
        return
    step = int(np.argmin(is_rate))
    way_out = "Mend it there."
    if np.isfinite(rates[step]):
        way_out = "Hold it at 0 by `log_anneal.maximum(schedule, 0.0)`, or mend it there."
    raise UserError(
        "`schedule` must give a finite rate of at least 0 at each step of the run, got "
        f"{rates[step]:.4g} at step {step} of {len(rates)}. {way_out}"
    )

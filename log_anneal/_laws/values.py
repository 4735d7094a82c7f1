"""Laws of the values: what they are, wherever and however they are computed."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core.steps import MAX_STEP
from log_anneal._laws.broken import broken
from log_anneal._laws.probe import Probe

_SHAPES = ((), (3,), (2, 3), (0,))

_EACH = "Compute each value from its own step: take no mean, sum or maximum over steps."

_FLOAT32 = 1e-5
"""How far a value on the device may be from that on the host, relative to it."""

_LAST_DIGITS = 1e-6
"""The same, relative to the largest value: what float32 loses where a value is near 0."""


def float32(probe: Probe) -> None:
    """The values are strong float32, of the shape of the steps."""
    for shape in _SHAPES:
        try:
            values = jax.eval_shape(probe.schedule, jnp.zeros(shape, jnp.int32))
        except (TypeError, ValueError) as error:
            raise broken(
                *("elementwise", probe.schedule, None),
                ("the shape of the steps", shape),
                ("what `value_at` does", f"{type(error).__name__}: {error}"),
                _EACH,
            ) from error
        is_strong = values.dtype == jnp.float32 and not values.weak_type
        if values.shape != shape or not is_strong:
            what = f"{values.dtype}{' (weak)' * values.weak_type} of shape {values.shape}"
            raise broken(
                "float32",
                probe.schedule,
                None,
                ("what the schedule returns", what),
                ("what it must return", f"float32 of shape {shape}"),
                "Leave `__call__` as it is, and return one number for each step.",
            )


def finite(probe: Probe) -> None:
    """Every value is a finite number, on the host and on the device."""
    way_out = (
        "Both sides of `xp.where` are computed: let neither divide by 0 or leave the range of a "
        "function. Hold the last value after the end."
    )
    for step in probe.steps.tolist():
        try:
            value: Any = probe.schedule.at(step)
        except (ArithmeticError, ValueError, IndexError) as error:
            value = f"{type(error).__name__}: {error}"
        if isinstance(value, str) or not np.isfinite(value):
            here = probe.modes["a vector of steps"][probe.steps == step][0]
            raise broken(
                *("finite", probe.schedule, step),
                *(("`at` on the host", value), ("the value on the device", here)),
                way_out,
            )
    values = probe.modes["a vector of steps"]
    for step, host, value in zip(probe.steps.tolist(), probe.on_host, values, strict=True):
        if not np.isfinite(value):
            raise broken(
                *("finite", probe.schedule, step),
                *(("the value on the device", value), ("`at` on the host", host)),
                way_out,
            )


def elementwise(probe: Probe) -> None:
    """A vector of steps gives what each step gives by itself."""
    schedule, alone = probe.schedule, probe.modes["`scan`"]
    for mode, values in probe.modes.items():
        index = _first_far(values, alone, probe.scale)
        if index is not None:
            raise broken(
                *("elementwise", schedule, int(probe.steps[index])),
                (f"the value by {mode}", values[index]),
                ("that of the step alone", alone[index]),
                _EACH,
            )


def host_and_device(probe: Probe) -> None:
    """The host's float64 value is that of the device, within float32's digits."""
    values = probe.modes["a vector of steps"]
    index = _first_far(values, probe.on_host, probe.scale)
    if index is not None:
        raise broken(
            *("host and device", probe.schedule, int(probe.steps[index])),
            ("the value on the device", values[index]),
            ("`at` on the host", probe.on_host[index]),
            "Compute with the functions of `xp`. Take differences, `%` and `//` of whole numbers, "
            "of the step and the durations as they are, before you divide or use a real number.",
        )


def ends(probe: Probe) -> None:
    """Before step 0 the first value is held, and from the end on the last."""
    schedule, before = probe.schedule, [-(2**31), -7, -1]
    _held(probe, 0, before, "Leave `__call__` and `at` as they are: they hold the first value.")
    end = schedule.duration
    if end is not None:
        later = [end + 1, end + 2, end + 7, 2 * end + 1, 2**24 + 1, MAX_STEP]
        after = [step for step in later if end < step <= MAX_STEP]
        way_out = "Return a later step in `ends_at`, or None; or hold the last value from there on."
        _held(probe, end, after, way_out)


def _held(probe: Probe, end: int, steps: list[int], way_out: str) -> None:
    schedule = probe.schedule
    held = schedule.at(end)
    for step in steps:
        for name, value in (("`at`", schedule.at(step)), ("the value", schedule(step))):
            if not abs(float(value) - held) <= _FLOAT32 * abs(held) + _LAST_DIGITS * probe.scale:
                raise broken(
                    *("ends", schedule, step),
                    *((f"{name} there", float(value)), (f"the value held from step {end}", held)),
                    way_out,
                )


def gradients(probe: Probe) -> None:
    """The slopes with respect to the numbers and the durations are finite."""
    for name, slopes in probe.slopes.items():
        is_bad = ~np.isfinite(slopes).reshape(len(probe.steps), -1).all(axis=1)
        for index in np.flatnonzero(is_bad)[:1]:
            raise broken(
                *("gradients", probe.schedule, int(probe.steps[index])),
                ("the value", probe.on_host[index]),
                (f"its slope with respect to `{name}`", slopes[index].ravel()[0].item()),
                "A root, a power or a logarithm has no slope at 0, on the side of `xp.where` that "
                "is not chosen neither. Put `xp.where` inside: choose 1 where the number is 0.",
            )


def _first_far(values: Any, expected: Any, scale: float) -> int | None:
    far = ~(np.abs(values - expected) <= _FLOAT32 * np.abs(expected) + _LAST_DIGITS * scale)
    return int(np.flatnonzero(far)[0]) if far.any() else None

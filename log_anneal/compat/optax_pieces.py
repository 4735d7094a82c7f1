"""The schedules of Optax that are pieces between boundaries."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.constant import ConstantSchedule
from log_anneal._schedules.cyclical_shapes import CyclicalCosineSchedule
from log_anneal.compat.joined import joined, line
from log_anneal.compat.peer import Share, divided


def piecewise_constant(*, init_value: float, boundaries_and_scales: Any = None) -> Schedule:
    """Multiplies the value by a factor from each boundary on."""
    steps, values = _scaled(init_value, boundaries_and_scales)
    parts = [ConstantSchedule(value=value) for value in values]
    lengths = [after - before for before, after in pairwise([0, *steps])]
    return joined(list(zip(parts[:-1], lengths, strict=True)), parts[-1])


def piecewise_interpolate(
    *,
    interpolate_type: Literal["linear", "cosine"],
    init_value: float,
    boundaries_and_scales: Any = None,
) -> Schedule:
    """Goes from the value of a boundary to that of the next, by lines or half waves."""
    steps, values = _scaled(init_value, boundaries_and_scales)
    parts = []
    for (before, after), (start, end) in zip(pairwise([0, *steps]), pairwise(values), strict=True):
        length = max(after - before, 1)
        way = (
            line(start, end, length)
            if interpolate_type == "linear"
            else CyclicalCosineSchedule(peak_value=start, end_value=end, decay_steps=length)
        )
        parts.append((way, after - before))
    return joined(parts, ConstantSchedule(value=values[-1]))


def linear_onecycle(
    *,
    transition_steps: int,
    peak_value: float,
    pct_start: Share = 0.3,
    pct_final: Share = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Ends the phases at whole steps, rounded down, as Optax does."""
    low = divided(peak_value, "div_factor", div_factor)
    end = divided(low, "final_div_factor", final_div_factor)
    first, second = int(pct_start * transition_steps), int(pct_final * transition_steps)
    if not 0 <= first < second < transition_steps:
        raise ValueError(
            f"`pct_final` must leave each phase a step: `pct_start` ends the first at step {first} "
            f"and `pct_final` the second at {second} of {transition_steps} `transition_steps`, got "
            f"{pct_final}. Optax takes 0.3 and 0.85: take more steps."
        )
    return joined(
        [
            (line(low, peak_value, first), first),
            (line(peak_value, low, second - first), second - first),
        ],
        line(low, end, transition_steps - second),
    )


def cosine_onecycle(
    *,
    transition_steps: int,
    peak_value: float,
    pct_start: Share = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Ends the rise at a whole step, rounded down, as Optax does."""
    low = divided(peak_value, "div_factor", div_factor)
    end = divided(low, "final_div_factor", final_div_factor)
    first = int(pct_start * transition_steps)
    if not first < transition_steps:
        raise ValueError(
            f"`pct_start` must leave the fall a step, got {pct_start} of {transition_steps} "
            "`transition_steps`. Optax takes 0.3."
        )
    rise = CyclicalCosineSchedule(peak_value=low, end_value=peak_value, decay_steps=max(first, 1))
    fall = CyclicalCosineSchedule(
        peak_value=peak_value,
        end_value=end,
        decay_steps=transition_steps - first,
    )
    return joined([(rise, first)], fall)


def _scaled(init_value: float, boundaries_and_scales: Any) -> tuple[list[int], list[float]]:
    """Returns the boundaries in their order, and the value before each and after the last."""
    name = "boundaries_and_scales"
    if boundaries_and_scales is None:
        boundaries_and_scales = {}
    if not isinstance(boundaries_and_scales, Mapping):
        raise ValueError(
            f"`{name}` must be a dictionary from steps to factors, got "
            f"{boundaries_and_scales!r}. Give `{{100: 0.1}}`, for example."
        )
    scales = {}
    for boundary, scale in boundaries_and_scales.items():
        step, own_name = check.steps(name, boundary, 0), f"{name}[{boundary!r}]"
        factor = check.number(own_name, scale)
        scales[step] = check.real(own_name, factor, 0, check.MAX_VALUE, "Take 0.1 for a tenth.")
    steps, values = sorted(scales), [init_value]
    for step in steps:
        values.append(check.real(name, values[-1] * scales[step], 0, check.MAX_VALUE, "Take less."))
    return steps, values

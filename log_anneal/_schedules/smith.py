"""Smith's policies by their own names: each is a `clr_schedule`, his control a straight line."""

from log_anneal._schedules.clr import ClrSchedule
from log_anneal._schedules.decay import PolynomialSchedule


def triangular_schedule(
    *, init_value: float, peak_value: float, up_steps: int, down_steps: int | None = None
) -> ClrSchedule:
    """Makes a straight swing between two bounds; see `clr_schedule`.

    Args:
      init_value: The lower bound, where every cycle starts: Smith's base_lr. From 0 to 1e30.
      peak_value: The upper bound, in the middle of a cycle: Smith's max_lr. From 0 to 1e30.
      up_steps: The length of a cycle's rise, from `init_value` to `peak_value`: Smith's step size.
        Whole steps, at least 1.
      down_steps: The length of a cycle's fall, from `peak_value` back to `init_value`. Whole steps,
        at least 1; None means `up_steps`.

    Example:
      >>> schedule = triangular_schedule(init_value=1.0, peak_value=2.0, up_steps=2)
      >>> [schedule.at(step) for step in range(5)]
      [1.0, 1.5, 2.0, 1.5, 1.0]
    """
    return ClrSchedule(
        init_value=init_value, peak_value=peak_value, up_steps=up_steps, down_steps=down_steps
    )


def triangular2_schedule(
    *, init_value: float, peak_value: float, up_steps: int, down_steps: int | None = None
) -> ClrSchedule:
    """Makes a straight swing whose range halves from cycle to cycle; see `clr_schedule`.

    Args:
      init_value: The lower bound, where every cycle starts: Smith's base_lr. From 0 to 1e30.
      peak_value: The upper bound, in the middle of a cycle: Smith's max_lr. From 0 to 1e30.
      up_steps: The length of a cycle's rise, from `init_value` to `peak_value`: Smith's step size.
        Whole steps, at least 1.
      down_steps: The length of a cycle's fall, from `peak_value` back to `init_value`. Whole steps,
        at least 1; None means `up_steps`.

    Example:
      >>> schedule = triangular2_schedule(init_value=1.0, peak_value=2.0, up_steps=2)
      >>> [schedule.at(step) for step in (2, 6, 10)]
      [2.0, 1.5, 1.25]
    """
    return ClrSchedule(
        init_value=init_value,
        peak_value=peak_value,
        up_steps=up_steps,
        down_steps=down_steps,
        cycle_decay=0.5,
    )


def exp_range_schedule(
    *,
    init_value: float,
    peak_value: float,
    up_steps: int,
    step_decay: float,
    down_steps: int | None = None,
) -> ClrSchedule:
    """Makes a straight swing whose range shrinks at each step; see `clr_schedule`.

    Args:
      init_value: The lower bound, where every cycle starts: Smith's base_lr. From 0 to 1e30.
      peak_value: The upper bound, in the middle of a cycle: Smith's max_lr. From 0 to 1e30.
      up_steps: The length of a cycle's rise, from `init_value` to `peak_value`: Smith's step size.
        Whole steps, at least 1.
      step_decay: The factor by which each step multiplies the range: Smith's gamma. From 1e-6
        to 1e6.
      down_steps: The length of a cycle's fall, from `peak_value` back to `init_value`. Whole steps,
        at least 1; None means `up_steps`.

    Example:
      >>> schedule = exp_range_schedule(
      ...     init_value=1.0, peak_value=2.0, up_steps=2, step_decay=0.5)
      >>> [schedule.at(step) for step in (0, 2, 6)]
      [1.0, 1.25, 1.015625]
    """
    return ClrSchedule(
        init_value=init_value,
        peak_value=peak_value,
        up_steps=up_steps,
        down_steps=down_steps,
        step_decay=step_decay,
    )


def parabolic_schedule(
    *, init_value: float, peak_value: float, up_steps: int, down_steps: int | None = None
) -> ClrSchedule:
    """Makes a swing by Welch's window, `1 - (1 - x)^2`; see `clr_schedule`.

    Args:
      init_value: The lower bound, where every cycle starts: Smith's base_lr. From 0 to 1e30.
      peak_value: The upper bound, in the middle of a cycle: Smith's max_lr. From 0 to 1e30.
      up_steps: The length of a cycle's rise, from `init_value` to `peak_value`: Smith's step size.
        Whole steps, at least 1.
      down_steps: The length of a cycle's fall, from `peak_value` back to `init_value`. Whole steps,
        at least 1; None means `up_steps`.

    Example:
      >>> schedule = parabolic_schedule(init_value=1.0, peak_value=2.0, up_steps=2)
      >>> [schedule.at(step) for step in range(5)]
      [1.0, 1.75, 2.0, 1.75, 1.0]
    """
    return ClrSchedule(
        init_value=init_value,
        peak_value=peak_value,
        up_steps=up_steps,
        down_steps=down_steps,
        window="parabolic",
    )


def sinusoidal_schedule(
    *, init_value: float, peak_value: float, up_steps: int, down_steps: int | None = None
) -> ClrSchedule:
    """Makes a swing by Hann's window, `(1 - cos(pi x)) / 2`; see `clr_schedule`.

    Args:
      init_value: The lower bound, where every cycle starts: Smith's base_lr. From 0 to 1e30.
      peak_value: The upper bound, in the middle of a cycle: Smith's max_lr. From 0 to 1e30.
      up_steps: The length of a cycle's rise, from `init_value` to `peak_value`: Smith's step size.
        Whole steps, at least 1.
      down_steps: The length of a cycle's fall, from `peak_value` back to `init_value`. Whole steps,
        at least 1; None means `up_steps`.

    Example:
      >>> schedule = sinusoidal_schedule(init_value=1.0, peak_value=2.0, up_steps=2)
      >>> [round(schedule.at(step), 6) for step in range(5)]
      [1.0, 1.5, 2.0, 1.5, 1.0]
    """
    return ClrSchedule(
        init_value=init_value,
        peak_value=peak_value,
        up_steps=up_steps,
        down_steps=down_steps,
        window="sinusoidal",
    )


def clr_decay_schedule(
    *, init_value: float, peak_value: float, up_steps: int
) -> PolynomialSchedule:
    """Makes Smith's control, "decay": a straight fall to the lower bound, which is held.

    Args:
      init_value: The lower bound, where the fall ends. From 0 to 1e30.
      peak_value: The upper bound, where the fall starts. From 0 to 1e30.
      up_steps: The length of the fall: Smith's step size. Whole steps, at least 1.

    Example:
      >>> schedule = clr_decay_schedule(init_value=1.0, peak_value=2.0, up_steps=2)
      >>> [schedule.at(step) for step in range(4)]
      [2.0, 1.5, 1.0, 1.0]

    References:
      Smith 2015, arXiv:1506.01186, section 4.1.
    """
    return PolynomialSchedule(init_value=peak_value, end_value=init_value, decay_steps=up_steps)

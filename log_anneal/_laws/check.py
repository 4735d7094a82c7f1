"""All laws, one after the other."""

from collections.abc import Collection

from log_anneal._core.schedule import Schedule
from log_anneal._core.tree import refuse_stack
from log_anneal._laws import course, form, values
from log_anneal._laws.probe import Probe

LAWS = {
    "one trace": form.one_trace,
    "float32": values.float32,
    "finite": values.finite,
    "elementwise": values.elementwise,
    "ends": values.ends,
    "host and device": values.host_and_device,
    "restarts": course.restarts,
    "stretch": course.stretch,
    "program size": form.program_size,
    "gradients": values.gradients,
    "data": form.data,
}
"""The laws by name, in the order in which they are checked."""


def check_schedule(schedule: Schedule, *, skip: Collection[str] = ()) -> None:
    """Checks that a schedule keeps the laws that the library's own schedules keep.

    Call it in a test of your own, for each of your classes. The first check of a class compiles,
    for some seconds. docs/extending.md tells what each law says.

    Args:
      schedule: a single schedule. Short durations, up to some hundred steps, show most.
      skip: names of laws that are not checked.

    Raises:
      LawBroken: the first law that is broken. The message names the law, the step, the two values
        that should be the same, and what to do.
      TypeError: it is no schedule.
      ValueError: it is a stack of schedules, or there is no such law.

    Example:
      >>> from log_anneal import constant_schedule
      >>> check_schedule(constant_schedule(0.1))
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(
            f"`schedule` must be a schedule, got {schedule!r}. Make one of a function by "
            "`function_schedule(function=...)`."
        )
    refuse_stack(schedule)
    for name in skip:
        if name not in LAWS:
            raise ValueError(
                f"`skip` must hold names of laws, got {name!r}. Take one of {', '.join(LAWS)}."
            )
    probe = Probe(schedule)
    for name, law in LAWS.items():
        if name not in skip:
            law(probe)

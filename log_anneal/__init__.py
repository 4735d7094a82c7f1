"""Learning-rate schedules for JAX: exact, pure, and data.

A schedule is a function of the step and of its fields, and nothing else: any optimizer of optax
takes it as its learning rate.

1. Elementwise: scalar in, scalar out; array in, array out.
2. Strong float32, whatever the inputs.
3. A pytree, with one trace for all schedules of a class and form under jit, vmap, scan and pmap.
   (A `restart_multiplier` above 0.95 and below 1.04, but not 1, may take a larger table, and so a
   trace of its own.)
4. Finite for every int32: the first value before the start, the last after the end.
5. A restart falls on its exact step, for any real multiplier.
6. The program does not grow with the number of cycles.
7. Building one does no work on a device.
8. Arguments are checked when it is built.
9. `schedule.at(step)` is the same number in float64 on the host, without JAX.
10. `==`, `repr`, `pickle` and JSON round trips; `schedule.stretch(k)` multiplies every duration.
   Equal is equal in float32, so that a schedule equals itself on a device.

Example:
  >>> import log_anneal as la
  >>> schedule = la.cyclical_log_schedule(
  ...     peak_value=0.1, end_value=1e-3, decay_steps=10, restart_steps=10)  # in epochs
  >>> schedule = schedule.stretch(391)  # in steps
  >>> schedule.restarts(12_000)
  [3910, 7820, 11730]
"""

from log_anneal._classic import (
    ConstantSchedule,
    StepDecaySchedule,
    constant_schedule,
    step_decay_schedule,
)
from log_anneal._cyclical_cosine import CyclicalCosineSchedule, cyclical_cosine_schedule
from log_anneal._cyclical_log import CyclicalLogSchedule, cyclical_log_schedule
from log_anneal._json import from_dict, from_json, to_dict, to_json
from log_anneal._schedule import Schedule

__version__ = "0.1.0"

__all__ = [
    "ConstantSchedule",
    "CyclicalCosineSchedule",
    "CyclicalLogSchedule",
    "Schedule",
    "StepDecaySchedule",
    "constant_schedule",
    "cyclical_cosine_schedule",
    "cyclical_log_schedule",
    "from_dict",
    "from_json",
    "step_decay_schedule",
    "to_dict",
    "to_json",
]

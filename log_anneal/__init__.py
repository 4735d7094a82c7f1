"""Learning-rate schedules for JAX: exact, pure, and data.

A schedule is a function of the step and of its fields, and nothing else. Any optimizer of optax
takes it as its learning rate.

1. It works elementwise: one step in, one value out; an array in, an array out.
2. It returns strong float32, whatever the inputs.
3. It is a pytree. All schedules of a class and form share one trace under jit, vmap, scan and pmap.
   A different size of a table makes another trace: a `restart_multiplier` above 0.95 and below
   1.04, but not 1; another number of milestones, of tabulated values or of parts.
4. It is finite for every int32. Before the start it has its first value, after the end its last.
5. A restart falls on its exact step, for any real multiplier.
6. The program does not grow with the number of cycles.
7. Building a schedule does no work on a device.
8. Arguments are checked when a schedule is built.
9. `schedule.at(step)` is the same number in float64 on the host, without JAX.
10. `==`, `repr`, `pickle` and JSON round trips work. `schedule.stretch(k)` multiplies every
    duration. Numbers are compared in float32, so that a schedule equals itself on a device.

Example:
  >>> import log_anneal as la
  >>> schedule = la.cyclical_log_schedule(
  ...     peak_value=0.1, end_value=1e-3, decay_steps=10, restart_steps=10)  # in epochs
  >>> schedule = schedule.stretch(391)  # in steps
  >>> schedule.restarts(12_000)
  [3910, 7820, 11730]
"""

from log_anneal import _moved, compat, fields, plot, testing
from log_anneal._compose.arithmetic import (
    CombinedSchedule,
    clip,
    combined_schedule,
    maximum,
    minimum,
)
from log_anneal._compose.chain import ChainSchedule, chain, chain_schedule
from log_anneal._compose.chain import Derived as _Chain
from log_anneal._compose.function import FunctionSchedule, function_schedule
from log_anneal._compose.part import Groups as _Groups
from log_anneal._compose.stack import stack
from log_anneal._compose.time import (
    LoopSchedule,
    ShiftSchedule,
    loop,
    loop_schedule,
    shift,
    shift_schedule,
)
from log_anneal._compose.whole import as_whole
from log_anneal._core.as_function import AsFunction, as_function
from log_anneal._core.backend import KnownLog as _KnownLog
from log_anneal._core.naming import name_publicly
from log_anneal._core.schedule import Schedule
from log_anneal._core.to_json import from_dict, from_json, to_dict, to_json
from log_anneal._core.where import WhereIn, where_in
from log_anneal._curve.table import Table as _Table
from log_anneal._curve.table import Wrap as _Wrap
from log_anneal._optim.current import Current, current
from log_anneal._optim.groups import groups
from log_anneal._optim.live import Live, LiveState, live
from log_anneal._optim.plateau import Plateau, PlateauState, plateau
from log_anneal._optim.swap import swap
from log_anneal._range_test.run import RangeTest, lr_range_test
from log_anneal._range_test.suggest import Suggestions
from log_anneal._range_test.sweep import sweep_schedule
from log_anneal._schedules.clr import ClrSchedule, clr_schedule
from log_anneal._schedules.clr import Derived as _Clr
from log_anneal._schedules.constant import ConstantSchedule, constant_schedule
from log_anneal._schedules.cyclical import CyclicalBase
from log_anneal._schedules.cyclical import Derived as _Cyclical
from log_anneal._schedules.cyclical_log import CyclicalLogSchedule, cyclical_log_schedule
from log_anneal._schedules.cyclical_shapes import (
    CyclicalCosineSchedule,
    CyclicalExponentialSchedule,
    CyclicalLinearSchedule,
    CyclicalPolynomialSchedule,
    CyclicalSchedule,
    CyclicalShapeSchedule,
    cyclical_cosine_schedule,
    cyclical_exponential_schedule,
    cyclical_linear_schedule,
    cyclical_polynomial_schedule,
    cyclical_schedule,
    sgdr_schedule,
)
from log_anneal._schedules.decay import (
    ExponentialSchedule,
    InverseSqrtSchedule,
    PolynomialSchedule,
    RexSchedule,
    exponential_schedule,
    inverse_sqrt_schedule,
    polynomial_schedule,
    rex_schedule,
)
from log_anneal._schedules.one_cycle import OneCycleSchedule, one_cycle_schedule
from log_anneal._schedules.smith import (
    clr_decay_schedule,
    exp_range_schedule,
    parabolic_schedule,
    sinusoidal_schedule,
    triangular2_schedule,
    triangular_schedule,
)
from log_anneal._schedules.stairs import (
    MultiStepSchedule,
    StepDecaySchedule,
    multi_step_schedule,
    step_decay_schedule,
)
from log_anneal._schedules.tabulated import TabulatedSchedule, tabulated_schedule
from log_anneal._schedules.warmup_stable_decay import (
    WarmupStableDecaySchedule,
    warmup_stable_decay_schedule,
)
from log_anneal.compat.curves import Known as _Waves
from log_anneal.compat.cyclical_curves import k_decay_cosine as _k_decay

__version__ = "0.1.0"

__all__ = [
    "AsFunction",
    "ChainSchedule",
    "ClrSchedule",
    "CombinedSchedule",
    "ConstantSchedule",
    "Current",
    "CyclicalBase",
    "CyclicalCosineSchedule",
    "CyclicalExponentialSchedule",
    "CyclicalLinearSchedule",
    "CyclicalLogSchedule",
    "CyclicalPolynomialSchedule",
    "CyclicalSchedule",
    "CyclicalShapeSchedule",
    "ExponentialSchedule",
    "FunctionSchedule",
    "InverseSqrtSchedule",
    "Live",
    "LiveState",
    "LoopSchedule",
    "MultiStepSchedule",
    "OneCycleSchedule",
    "Plateau",
    "PlateauState",
    "PolynomialSchedule",
    "RangeTest",
    "RexSchedule",
    "Schedule",
    "ShiftSchedule",
    "StepDecaySchedule",
    "Suggestions",
    "TabulatedSchedule",
    "WarmupStableDecaySchedule",
    "WhereIn",
    "as_function",
    "as_whole",
    "chain",
    "chain_schedule",
    "clip",
    "clr_decay_schedule",
    "clr_schedule",
    "combined_schedule",
    "compat",
    "constant_schedule",
    "current",
    "cyclical_cosine_schedule",
    "cyclical_exponential_schedule",
    "cyclical_linear_schedule",
    "cyclical_log_schedule",
    "cyclical_polynomial_schedule",
    "cyclical_schedule",
    "exp_range_schedule",
    "exponential_schedule",
    "fields",
    "from_dict",
    "from_json",
    "function_schedule",
    "groups",
    "inverse_sqrt_schedule",
    "live",
    "loop",
    "loop_schedule",
    "lr_range_test",
    "maximum",
    "minimum",
    "multi_step_schedule",
    "one_cycle_schedule",
    "parabolic_schedule",
    "plateau",
    "plot",
    "polynomial_schedule",
    "rex_schedule",
    "sgdr_schedule",
    "shift",
    "shift_schedule",
    "sinusoidal_schedule",
    "stack",
    "step_decay_schedule",
    "swap",
    "sweep_schedule",
    "tabulated_schedule",
    "testing",
    "to_dict",
    "to_json",
    "triangular2_schedule",
    "triangular_schedule",
    "warmup_stable_decay_schedule",
    "where_in",
]

_public = {name: globals()[name] for name in __all__}
name_publicly(__name__, _public)
for _door in (compat, fields, plot, testing):
    name_publicly(_door.__name__, {name: vars(_door)[name] for name in _door.__all__})

# Schedules hold these, so that a pickle must find them here.
name_publicly(
    __name__,
    {
        "_Chain": _Chain,
        "_Clr": _Clr,
        "_Cyclical": _Cyclical,
        "_Groups": _Groups,
        "_KnownLog": _KnownLog,
        "_Table": _Table,
        "_Wrap": _Wrap,
        "_Waves": _Waves,
        "_k_decay": _k_decay,
    },
)
_moved.install(
    _public,
    {
        "_chain": {"Derived": _Chain},
        "_clr": {"Derived": _Clr},
        "_compat_others": {"_k_decay": _k_decay},
        "_cyclical": {"Derived": _Cyclical},
        "_nested": {"Groups": _Groups},
        "_numeric": {"KnownLog": _KnownLog},
        "_table": {"Table": _Table},
    },
)

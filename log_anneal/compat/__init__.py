"""Other libraries' schedules by their own names and arguments, and ours for those libraries.

A schedule made here is the scheduler's own curve with its errors mended: restarts on their exact
step for any multiplier, no drift from a recursion, a held value after the end in place of an error.
It counts what the scheduler counted: PyTorch's in epochs, if `step()` was called once an epoch;
then `.stretch(steps_per_epoch)` makes steps of them. No other library is imported, but Keras by
`as_keras` and `for_keras`. docs/coming_from.md has every name of each library, and
docs/conformance.md what each of them computes, and where it is wrong.

Example:
  >>> from log_anneal import compat
  >>> schedule = compat.torch_schedule(
  ...     "CosineAnnealingWarmRestarts", base_lr=0.1, T_0=10, T_mult=2)
  >>> schedule.restarts(100)
  [10, 30, 70]
"""

from log_anneal.compat.builders import (
    keras_schedule,
    optax_schedule,
    timm_schedule,
    torch_momentum,
    torch_schedule,
    transformers_schedule,
)
from log_anneal.compat.curves import (
    CosineWavesSchedule,
    InverseTimeSchedule,
    PolynomialCyclesSchedule,
    cosine_waves_schedule,
    inverse_time_schedule,
    polynomial_cycles_schedule,
)
from log_anneal.compat.cyclical_curves import (
    CyclicalCosinePowerSchedule,
    CyclicalPolynomialPowerSchedule,
    CyclicalTanhSchedule,
    cyclical_cosine_power_schedule,
    cyclical_polynomial_power_schedule,
    cyclical_tanh_schedule,
)
from log_anneal.compat.keras import as_keras
from log_anneal.compat.torch_factor import TorchFactor, as_torch_lambda

__all__ = [
    "CosineWavesSchedule",
    "CyclicalCosinePowerSchedule",
    "CyclicalPolynomialPowerSchedule",
    "CyclicalTanhSchedule",
    "InverseTimeSchedule",
    "PolynomialCyclesSchedule",
    "TorchFactor",
    "as_keras",
    "as_torch_lambda",
    "cosine_waves_schedule",
    "cyclical_cosine_power_schedule",
    "cyclical_polynomial_power_schedule",
    "cyclical_tanh_schedule",
    "inverse_time_schedule",
    "keras_schedule",
    "optax_schedule",
    "polynomial_cycles_schedule",
    "timm_schedule",
    "torch_momentum",
    "torch_schedule",
    "transformers_schedule",
]

"""Other libraries' schedules by their own names and arguments, and ours for those libraries.

A schedule made here is the scheduler's own curve with its errors mended: restarts on their exact
step for any multiplier, no drift from a recursion, a held value after the end in place of an error.
It counts what the scheduler counted: PyTorch's in epochs, if `step()` was called once an epoch;
then `.stretch(steps_per_epoch)` makes steps of them. No other library is imported, but Keras by
`as_keras`. What each of them computes, and where it is wrong, is measured in docs/conformance.md.

Example:
  >>> from log_anneal import compat
  >>> schedule = compat.torch_schedule(
  ...     "CosineAnnealingWarmRestarts", base_lr=0.1, T_0=10, T_mult=2)
  >>> schedule.restarts(100)
  [10, 30, 70]
"""

from collections.abc import Callable
from typing import Any

import optax

from log_anneal._compose.function import as_schedule
from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal.compat.keras import as_keras
from log_anneal.compat.others import KERAS, PUBLISHED_FOR_TORCH, TIMM
from log_anneal.compat.peer import above, build
from log_anneal.compat.torch import TORCH

__all__ = ["as_keras", "as_torch_lambda", "keras_schedule", "timm_schedule", "torch_schedule"]


def torch_schedule(name: str, /, **kwargs: Any) -> Schedule:
    """Builds a scheduler of `torch.optim.lr_scheduler`, or one that was published for PyTorch.

    At step t it has the rate that PyTorch's has after t calls of `step()`, and the same at step 0
    and before. What happens at a restart and at the end is the scheduler's own; after the end:

    | name | then |
    |---|---|
    | CosineAnnealingLR | the cosine goes on, and rises again, as PyTorch's does |
    | CosineAnnealingWarmRestarts, CyclicLR | no end; `T_mult` may be any real number |
    | OneCycleLR | the last rate is held; PyTorch's goes on for a step, then raises |
    | StepLR, MultiStepLR, ExponentialLR | as in PyTorch, without the rounding of each step |
    | PolynomialLR, LinearLR, ConstantLR | the last rate is held |
    | CyclicCosineDecayLR | no end, or without `restart_interval` the lowest rate |
    | CyclicalLogAnnealing | no end; its cycles begin after the warm-up, and restart |

    Args:
      name: the name of the scheduler.
      **kwargs: its own arguments, and `base_lr`, the rate that the optimizer gives it. Rates are
        numbers: where parameter groups differ, build a schedule for each.

    Returns:
      A schedule. For the momentum of OneCycleLR take its `.momentum(low, high)`; for CyclicLR's
      build another with `base_lr=max_momentum, max_lr=base_momentum`.

    Raises:
      ValueError: the name or an argument is unknown, missing or out of its range, or has no place
        in a function of the step.

    Example:
      >>> schedule = torch_schedule("OneCycleLR", max_lr=0.1, total_steps=100)
      >>> [round(schedule.at(step), 6) for step in (0, 29, 99, 100)]
      [0.004, 0.1, 0.0, 0.0]
      >>> torch_schedule("StepLR", base_lr=0.1, step_size=30, gama=0.5)
      Traceback (most recent call last):
      ...
      ValueError: `argument of StepLR` must be one of base_lr, step_size, gamma, optimizer, ...

    References:
      torch.optim.lr_scheduler; abhuse/cyclic-cosine-decay; PhilipNaveen/Cyclical-Log-Annealing.
    """
    return build(TORCH | PUBLISHED_FOR_TORCH, name, kwargs)


def keras_schedule(name: str, /, **kwargs: Any) -> Schedule:
    """Builds CosineDecay or CosineDecayRestarts of `keras.optimizers.schedules`.

    At every step the rate that Keras computes, in exact restarts; the first rate before step 0.
    CosineDecay ends at `alpha` times its peak and holds that. CosineDecayRestarts has no end for a
    `t_mul` of 1 and more; below 1 it holds the lowest rate where Keras's becomes NaN.

    Args:
      name: the name of the schedule.
      **kwargs: its own arguments, `get_config()` of a schedule of Keras's for example.

    Returns:
      A schedule.

    Raises:
      ValueError: the name or an argument is unknown, missing or out of its range.

    Example:
      >>> schedule = keras_schedule(
      ...     "CosineDecayRestarts", initial_learning_rate=0.1, first_decay_steps=10, m_mul=0.5)
      >>> [schedule.at(step) for step in (0, 10, 30)]
      [0.1, 0.05, 0.025]

    References:
      keras.optimizers.schedules.
    """
    return build(KERAS, name, kwargs)


def timm_schedule(name: str, /, **kwargs: Any) -> Schedule:
    """Builds CosineLRScheduler of `timm.scheduler`.

    At step t the rate that timm's has after `step(t)`; the first rate before step 0. After
    `cycle_limit` cycles, of which there is one by default, it holds `lr_min`. Without
    `warmup_prefix` the warm-up takes the place of the cosine's first `warmup_t` steps.

    Args:
      name: the name of the scheduler.
      **kwargs: its own arguments, and `base_lr`, the rate that the optimizer gives it. The
        arguments of its noise have no place here, but those that change nothing without it.

    Returns:
      A schedule; with a `k_decay` that is not 1, one that JSON cannot hold.

    Raises:
      ValueError: the name or an argument is unknown, missing or out of its range, or has no place
        in a function of the step.

    Example:
      >>> schedule = timm_schedule(
      ...     "CosineLRScheduler", base_lr=0.1, t_initial=10, cycle_limit=2, cycle_decay=0.5)
      >>> [schedule.at(step) for step in (0, 10, 20)]
      [0.1, 0.05, 0.0]

    References:
      timm.scheduler; Zhang and Li 2020, arXiv:2004.05909 (k-decay).
    """
    return build(TIMM, name, kwargs)


def as_torch_lambda(schedule: Schedule | optax.Schedule, base_lr: float) -> Callable[[int], float]:
    """Makes the factor that `torch.optim.lr_scheduler.LambdaLR` multiplies `base_lr` by.

        schedule(step) / base_lr

    Args:
      schedule: a schedule, or any function of the step.
      base_lr: the rate that the optimizer was made with, above 0.

    Returns:
      A function of the step, in float64 on the host. It cannot be part of a `state_dict`, nor need
      it be: it has no state.

    Raises:
      ValueError: `base_lr` is not above 0.

    Example:
      >>> from log_anneal import step_decay_schedule
      >>> schedule = step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.5)
      >>> factor = as_torch_lambda(schedule, base_lr=0.1)  # LambdaLR(optimizer, factor)
      >>> [factor(step) for step in (0, 30, 60)]
      [1.0, 0.5, 0.25]
    """
    way_out = "Give the rate that the optimizer was made with."
    base_lr = check.real("base_lr", check.number("base_lr", base_lr), 0, check.MAX_VALUE, way_out)
    above("base_lr", base_lr, 0, way_out)
    wanted = as_schedule("schedule", schedule)
    return lambda step: wanted.at(step) / base_lr

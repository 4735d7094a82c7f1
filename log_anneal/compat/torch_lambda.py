"""The schedulers of PyTorch that follow a function of the user's own."""

from collections.abc import Callable

from log_anneal._core import check
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.tabulated import TabulatedSchedule

Lambda = Callable[[int], float]


def by_lambda(*, base_lr: float, lr_lambda: Lambda, num_steps: int) -> Schedule:
    """Keeps the function's values in a table, since it may be any Python."""
    values = [base_lr * factor for factor in _followed(lr_lambda, range(num_steps), base_lr)]
    return TabulatedSchedule(values=values)


def by_product_of_lambda(*, base_lr: float, lr_lambda: Lambda, num_steps: int) -> Schedule:
    """Multiplies from step 1 on: PyTorch does not ask the function about step 0."""
    values = [base_lr]
    for factor in _followed(lr_lambda, range(1, num_steps), base_lr):
        values.append(values[-1] * factor)
    if not max(values) <= check.MAX_VALUE:
        raise ValueError(
            f"`lr_lambda` must keep the rate at or below {check.MAX_VALUE:g}, got {max(values):g} "
            f"within {num_steps} steps. Take fewer `num_steps`, or smaller factors."
        )
    return TabulatedSchedule(values=values)


def _followed(function: Lambda, steps: range, base_lr: float) -> list[float]:
    """Returns the function's factors, each a number that leaves a rate."""
    factors = []
    for step in steps:
        factor = check.plain(function(step))
        is_number = isinstance(factor, (int, float))
        if not is_number or not 0 <= factor * base_lr <= check.MAX_VALUE:
            raise ValueError(
                f"`lr_lambda` must give a factor of `base_lr` that is 0 or more, got {factor!r} at "
                f"step {step}. Let it return a number such as 0.5."
            )
        factors.append(float(factor))
    return factors

"""Other libraries' schedulers as functions from steps to values, each run as its users run it."""

import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

os.environ.setdefault("KERAS_BACKEND", "torch")


def release(package: str) -> str | None:
    """The version that is installed, without its build's name; None where there is none."""
    try:
        return version(package).split("+")[0]
    except PackageNotFoundError:
        return None


def optimizer(lr: float, *, is_tensor: bool = False) -> Any:
    """PyTorch's SGD over one parameter; its rate is a number, or a tensor in float32."""
    import torch

    rate = torch.tensor(lr) if is_tensor else lr
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate, momentum=0.9)


def torch_stepped(
    name: str,
    num_steps: int,
    base_lr: float = 0.1,
    *,
    field: str = "lr",
    is_tensor: bool = False,
    **arguments: Any,
) -> Values:
    """What the optimizer holds before each call of `step()`; NaN from where that raises."""
    import torch

    if name == "CyclicLR":
        arguments = arguments | {"base_lr": base_lr}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "step() of the optimizer was not called"
        held = optimizer(base_lr, is_tensor=is_tensor)
        scheduler = getattr(torch.optim.lr_scheduler, name)(held, **arguments)
        return stepped(num_steps, held, scheduler, field)


def stepped(num_steps: int, held: Any, scheduler: Any, field: str = "lr") -> Values:
    """A field of an optimizer before each step of its scheduler; NaN once that fails."""
    values = np.full(num_steps, np.nan)
    for step in range(num_steps):
        values[step] = float(held.param_groups[0][field])
        try:
            scheduler.step()
        except (ArithmeticError, ValueError):
            break
    return values


def torch_resumed(num_steps: int, last_epoch: int, base_lr: float, **arguments: int) -> Values:
    """`CosineAnnealingWarmRestarts(last_epoch=...)`: the steps that follow that epoch."""
    import torch

    held = optimizer(base_lr)
    held.param_groups[0]["initial_lr"] = base_lr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
            held, last_epoch=last_epoch, **arguments
        )
        values = np.empty(num_steps)
        for step in range(num_steps):
            values[step] = held.param_groups[0]["lr"]
            scheduler.step()
    return values


def torch_closed(steps: Iterable[int], base_lr: float, interval: int, multiplier: int) -> Values:
    """`CosineAnnealingWarmRestarts.step(epoch)`: at any epoch, by a logarithm."""
    import torch

    held = optimizer(base_lr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(held, interval, multiplier)

        def value(step: int) -> float:
            scheduler.step(step)
            lr: float = held.param_groups[0]["lr"]
            return lr

        return _each(value, steps)


def timm_cosine(steps: Iterable[int], base_lr: float, **arguments: Any) -> Values:
    """`CosineLRScheduler.step(t)`; NaN where it raises."""
    from timm.scheduler import CosineLRScheduler

    held = optimizer(base_lr)
    scheduler = CosineLRScheduler(held, **arguments)

    def value(step: int) -> float:
        scheduler.step(step)
        lr: float = held.param_groups[0]["lr"]
        return lr

    return _each(value, steps)


@contextmanager
def keras_floatx(floatx: str) -> Iterator[None]:
    """Keras computes in this float type."""
    import keras

    before = keras.config.floatx()
    keras.config.set_floatx(floatx)
    try:
        yield
    finally:
        keras.config.set_floatx(before)


def keras_schedule(name: str, steps: Iterable[int], **arguments: Any) -> Values:
    """A schedule of `keras.optimizers.schedules`, in float64."""
    import keras

    with keras_floatx("float64"):
        schedule = getattr(keras.optimizers.schedules, name)(**arguments)
        return _each(lambda step: float(schedule(step)), steps)


def keras_restarts(steps: Sequence[int], floatx: str, **arguments: Any) -> Values:
    """`CosineDecayRestarts` of many steps in one call."""
    import keras

    padded = np.resize(np.asarray(steps, np.int32), 1024)  # so that JAX compiles nothing anew
    with keras_floatx(floatx), np.errstate(all="ignore"):
        schedule = keras.optimizers.schedules.CosineDecayRestarts(**arguments)
        return np.asarray(schedule(padded), np.float64)[: len(steps)]


def pytorch_optimizer_restarts(steps: Iterable[int], **arguments: Any) -> Values:
    """`CosineAnnealingWarmupRestarts.step(epoch)`."""
    from pytorch_optimizer.lr_scheduler import CosineAnnealingWarmupRestarts

    held = optimizer(arguments["max_lr"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = CosineAnnealingWarmupRestarts(held, **arguments)

        def value(step: int) -> float:
            scheduler.step(step)
            lr: float = held.param_groups[0]["lr"]
            return lr

        return _each(value, steps)


def cyclic_cosine_decay(steps: Iterable[int], interval: int, multiplier: float) -> Values:
    """The restarts of abhuse/cyclic-cosine-decay (fc11fb3), which no index of packages has.

    Its equations: n = floor(log_r(1 - (1 - r) t / a)), and S_n = a (1 - r^n) / (1 - r).
    """

    def value(step: int) -> float:
        n = math.floor(math.log(1 - (1 - multiplier) * step / interval, multiplier))
        start = interval * (1 - multiplier**n) / (1 - multiplier)
        return (1 + math.cos(math.pi * (step - start) / (interval * multiplier**n))) / 2

    return _each(value, steps)


def cyclical_log_annealing(
    steps: Iterable[int], interval: int, multiplier: float, low: float, high: float
) -> Values:
    """The cycles of PhilipNaveen/Cyclical-Log-Annealing (6371bbe), which no index has either.

    Its equations: T = a r^(t div a), and low + (high - low) (1 - ln max(1, t mod T) / ln T) / 2.
    """

    def value(step: int) -> float:
        length = interval * multiplier ** (step // interval)
        fallen = math.log(max(1, step % length)) / math.log(length)
        return low + (high - low) * (1 - fallen) / 2

    return _each(value, steps)


def _each(value: Callable[[int], float], steps: Iterable[int]) -> Values:
    def or_nan(step: int) -> float:
        try:
            return value(step)
        except (ArithmeticError, ValueError):
            return math.nan

    return np.array([or_nan(int(step)) for step in steps])

"""The functions that take the names and the arguments of other libraries."""

from typing import Any

from log_anneal._core.schedule import Schedule
from log_anneal.compat.library import build_momentum, build_of


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
    | LambdaLR, MultiplicativeLR | the rate of step `num_steps - 1` is held |
    | SequentialLR | what the last part does |
    | ChainedScheduler | what the parts do, as a product |
    | CyclicCosineDecayLR | no end, or without `restart_interval` the lowest rate |
    | CyclicalLogAnnealing | no end; its cycles begin after the warm-up, and restart |

    CyclicLR and OneCycleLR also move the momentum, unless `cycle_momentum=False`. The rate does not
    depend on that. `torch_momentum` takes the same arguments, and makes the momentum's schedule:
    without it the momentum stays what the optimizer has.

    Args:
      name: the name of the scheduler.
      **kwargs: its own arguments, and `base_lr`, the rate that the optimizer gives it. Rates are
        numbers: where parameter groups differ, build a schedule for each. LambdaLR and
        MultiplicativeLR also need `num_steps`: so many steps are asked of the function, once. For
        SequentialLR, `schedulers` are schedules, or pairs of a name and its arguments, which then
        get this `base_lr`; for ChainedScheduler they are pairs.

    Returns:
      A schedule.

    Raises:
      ValueError: the name or an argument is unknown, missing or out of its range, or has no place
        in a function of the step.

    Example:
      >>> schedule = torch_schedule("OneCycleLR", max_lr=0.1, total_steps=100)
      >>> [round(schedule.at(step), 6) for step in (0, 29, 99, 100)]
      [0.004, 0.1, 0.0, 0.0]
      >>> schedule = torch_schedule(
      ...     "SequentialLR",
      ...     base_lr=0.1,
      ...     schedulers=[("LinearLR", {"total_iters": 5}), ("StepLR", {"step_size": 30})],
      ...     milestones=[5],
      ... )
      >>> [round(schedule.at(step), 6) for step in (0, 5, 34, 35)]
      [0.033333, 0.1, 0.1, 0.01]
      >>> torch_schedule("StepLR", base_lr=0.1, step_size=30, gama=0.5)
      Traceback (most recent call last):
      ...
      ValueError: `gama` must be an argument of StepLR, and is none. Did you mean `gamma`? ...

    References:
      torch.optim.lr_scheduler; abhuse/cyclic-cosine-decay; PhilipNaveen/Cyclical-Log-Annealing.
    """
    return build_of("torch", name, kwargs)


def torch_momentum(name: str, /, **kwargs: Any) -> Schedule:
    """Builds the momentum of CyclicLR or OneCycleLR, which falls while the rate rises.

    At step t it has the momentum, or for Adam the beta1, that PyTorch sets after t calls of
    `step()`. After the end of OneCycleLR it is held.

    Args:
      name: "CyclicLR" or "OneCycleLR".
      **kwargs: the arguments of the scheduler, as `torch_schedule` takes them. Those that change
        the rate alone may be left out.

    Returns:
      A schedule, for `optax.inject_hyperparams(optax.sgd)(rate, momentum=momentum)`, for example.

    Raises:
      ValueError: the scheduler moves no momentum, or an argument is unknown, missing or out of its
        range, or `cycle_momentum` is False.

    Example:
      >>> arguments = {"max_lr": 0.1, "total_steps": 100, "base_momentum": 0.8}
      >>> rate = torch_schedule("OneCycleLR", **arguments)
      >>> momentum = torch_momentum("OneCycleLR", **arguments)
      >>> [momentum.at(step) for step in (0, 29, 99)]
      [0.95, 0.8, 0.95]

    References:
      torch.optim.lr_scheduler.
    """
    return build_momentum(name, kwargs)


def keras_schedule(name: str, /, **kwargs: Any) -> Schedule:
    """Builds a schedule of `keras.optimizers.schedules`.

    At every step the rate that Keras computes, in exact restarts; the first rate before step 0.
    CosineDecay and PolynomialDecay hold their last rate. CosineDecayRestarts has no end for a
    `t_mul` of 1 and more; below 1 it holds the lowest rate where Keras's becomes NaN. A boundary of
    PiecewiseConstantDecay is the last step of its part, as in Keras.

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
    return build_of("keras", name, kwargs)


def timm_schedule(name: str, /, **kwargs: Any) -> Schedule:
    """Builds a scheduler of `timm.scheduler`.

    At step t the rate that timm's has after `step(t)`; the first rate before step 0. After
    `cycle_limit` cycles, of which there is one by default, it holds `lr_min`. Without
    `warmup_prefix` the warm-up takes the place of the first `warmup_t` steps. MultiStepLRScheduler
    falls one step before each milestone, as timm's does, and PyTorch's does not.

    Args:
      name: the name of the scheduler.
      **kwargs: its own arguments, and `base_lr`, the rate that the optimizer gives it. The
        arguments of its noise have no place here, but those that change nothing without it.

    Returns:
      A schedule. Where WSDLRScheduler gets a function, or a decay by a power or an exponential, it
      has a table of the decay's steps.

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
    return build_of("timm", name, kwargs)


def optax_schedule(name: str, /, **kwargs: Any) -> Schedule:
    """Builds a schedule of Optax as data: it prints, compares, pickles, stretches and is JSON.

    At every step the value of Optax's, in float64 on the host; the first value before step 0.

    Args:
      name: the name of the function, such as "cosine_decay_schedule".
      **kwargs: its own arguments, by their names. The `schedules` of "join_schedules" may be any
        functions of the step, those of Optax too, and then JSON cannot hold them.

    Returns:
      A schedule.

    Raises:
      ValueError: the name or an argument is unknown, missing or out of its range: rates from 0 to
        1e30.

    Example:
      >>> optax_schedule("linear_schedule", init_value=1.0, end_value=0.0, transition_steps=4)
      polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=4)

    References:
      optax.schedules.
    """
    return build_of("optax", name, kwargs)


def transformers_schedule(name: str, /, **kwargs: Any) -> Schedule:
    """Builds a schedule of transformers, by its name in `get_scheduler` or that of its function.

    At step t it has the rate after t calls of `step()`, and the same at step 0 and before. After
    `num_training_steps` it does what transformers does: the cosines rise again, since they are
    waves. `la.cyclical_cosine_schedule` holds the end.

    Args:
      name: a name such as "cosine", or "get_cosine_schedule_with_warmup".
      **kwargs: the arguments of the function, and `base_lr`, the rate that the optimizer has. With
        a name of `get_scheduler` also its `scheduler_specific_kwargs`.

    Returns:
      A schedule. Hard restarts whose cycles are no whole number of steps are a table of the steps.

    Raises:
      ValueError: the name or an argument is unknown, missing or out of its range, or has no place
        in a function of the step.

    Example:
      >>> schedule = transformers_schedule(
      ...     "linear", base_lr=0.1, num_warmup_steps=10, num_training_steps=110)
      >>> [schedule.at(step) for step in (0, 10, 60, 110)]
      [0.0, 0.1, 0.05, 0.0]

    References:
      transformers.get_scheduler.
    """
    more = kwargs.pop("scheduler_specific_kwargs", None)
    if more is not None:
        if not isinstance(more, dict):
            raise ValueError(
                f"`scheduler_specific_kwargs` must be a dictionary, got {more!r}. Leave it out, or "
                "give the arguments by themselves."
            )
        kwargs = {**kwargs, **more}
    return build_of("transformers", name, kwargs)

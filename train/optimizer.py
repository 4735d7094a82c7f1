"""The optimizer of a configuration: a chain of optax, from whose state the rate can be read."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax import contrib

from train.checked import Count, Share, Strength, checked
from train.errors import UserError, did_you_mean
from train.kinds import Within, shown

# The arguments of optax's optimizers for which there are fields.
_FIELDS = {"learning_rate": "schedule", "weight_decay": "optimizer.weight_decay"}
_FIELDS_OF_SGD = {"momentum": "optimizer.momentum", "nesterov": "optimizer.nesterov"}
# These optimizers need the loss itself, a random seed, or a rate that is no schedule.
_NEED_MORE = {"polyak_sgd", "noisy_sgd", "optimistic_adam", "rprop"}
_FACTORIES = {
    # A line search needs the loss. Without one the schedule gives the length of the step.
    "lbfgs": functools.partial(optax.lbfgs, linesearch=None),
    "muon": contrib.muon,
}

_LIMIT = Within(above=0, way_out="None switches it off.")


@checked("optimizer")
@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """How gradients become updates of the parameters."""

    name: str = "sgd"
    """The optimizer, by its name in optax: sgd, adam, adamw, lion, muon, lbfgs and others.
    muon moves kernels by orthogonal matrices, and all other parameters by Adam at the same rate.
    For it, a convolution's kernel is a matrix [height * width * in, out].
    lbfgs has no line search: the schedule is the length of its step. It needs full batches.
    It keeps 22 copies of the parameters: 2, and 2 more for each unit of its memory_size."""
    momentum: Share = 0.9
    """The part of the last update that sgd adds to the next one.
    At least 0 and below 1; 0: none. From 1 on, updates would never fade."""
    nesterov: bool = False
    """Whether the momentum of sgd is Nesterov's, which looks one update ahead."""
    weight_decay: Strength = 5e-4
    """The strength of weight decay. At least 0; 0: none.
    It acts on kernels, and not on biases, scales of norms or position embeddings.
    It is decoupled where the optimizer has a weight decay of its own (adamw, lion, muon, ...).
    Otherwise it is added to the gradient."""
    clip_norm: Annotated[float, _LIMIT] | None = None
    """The largest norm of the whole gradient. A longer gradient is cut to this length.
    It is measured before weight decay is added. Above 0; None: no limit."""
    microbatches: Count = 1
    """The number of parts into which each device's batch is cut. At least 1.
    The gradients of the parts are averaged: the same update takes less memory.
    But batch norm sees one part at a time."""
    arguments: dict[str, float] = dataclasses.field(default_factory=dict)
    """Further arguments of the optimizer, as names and numbers: b1 0.9 b2 0.95."""

    def __post_init__(self) -> None:
        """Checks the name, and that it has the arguments."""
        fields = _FIELDS | (_FIELDS_OF_SGD if self.name == "sgd" else {})
        defaults = _numeric(_factory(self.name))
        known = sorted(defaults.keys() - fields.keys())
        for argument, value in self.arguments.items():
            if argument not in known:
                hint = did_you_mean(argument, known) or f"There are {', '.join(known) or 'none'}."
                if argument in fields:
                    hint = f"Set `{fields[argument]}`."
                raise UserError(
                    f"`optimizer.arguments` must be numbers that optax's {self.name} takes, "
                    f"got {shown(argument)}. {hint}"
                )
            if type(defaults[argument]) is int and value != int(value):
                raise UserError(
                    f"`optimizer.arguments` must give {argument} a whole number, got {value}. "
                    f"Its default is {defaults[argument]}."
                )


def build(
    config: OptimizerConfig,
    schedule: optax.Schedule,
    decay_mask: Callable[[Any], Any],
) -> optax.GradientTransformation:
    """Builds the chain: clipping, weight decay, then the optimizer with the schedule as its rate.

    Args:
      config: the knobs.
      schedule: step -> learning rate.
      decay_mask: parameters -> a pytree of bools, True for kernels. Weight decay acts on these, and
        muon orthogonalises their updates.

    Returns:
      A transformation whose state holds, under "learning_rate", the rate of the last update.
    """
    factory = _factory(config.name)
    known = _parameters(factory)
    defaults = _numeric(factory)
    arguments: dict[str, Any] = {  # the command line makes 5 a 5.0, which can be no size
        name: type(defaults[name])(value) for name, value in config.arguments.items()
    }
    if config.name == "sgd":
        arguments |= {"momentum": config.momentum or None, "nesterov": config.nesterov}
    if config.name == "muon":
        arguments["muon_weight_dimension_numbers"] = lambda params: _matrices(params, decay_mask)

    before = [] if config.clip_norm is None else [optax.clip_by_global_norm(config.clip_norm)]
    masks = known & {"mask", "weight_decay_mask"}
    if "weight_decay" in known and masks:
        arguments |= {"weight_decay": config.weight_decay, masks.pop(): decay_mask}
    elif config.weight_decay:
        before.append(optax.add_decayed_weights(config.weight_decay, decay_mask))

    # All other arguments are static: an injected momentum of 0 would still cost a buffer.
    injected = optax.inject_hyperparams(
        factory, static_args=known - {"learning_rate"}, hyperparam_dtype=jnp.float32
    )
    return optax.chain(*before, injected(learning_rate=schedule, **arguments))


def check_rates(config: OptimizerConfig, rates: np.ndarray) -> None:
    """Refuses rates with which an optimizer would never move.

    Raises:
      UserError: it would not.
    """
    if config.name == "lbfgs" and rates[0] == 0:
        raise UserError(
            "`schedule` must begin above 0 where `optimizer.name` is lbfgs, got 0 at step 0: it "
            "learns the scale of its steps from the one before, and would never move. Begin a "
            "warm-up above 0, or leave it out."
        )


def learning_rate(opt_state: optax.OptState) -> jax.Array:
    """Returns the rate that the last update used: float32, a scalar."""
    rate: jax.Array = optax.tree.get(opt_state, "hyperparams")["learning_rate"]
    return rate


@functools.cache
def names() -> tuple[str, ...]:
    """Returns the optimizers of optax that need only gradients, parameters and a schedule."""
    known = _NEED_MORE | _FACTORIES.keys()
    whole = (
        name
        for name, member in vars(optax).items()
        if name not in known
        and not name.startswith(("_", "scale_by_"))
        and inspect.isfunction(member)
        and next(iter(inspect.signature(member).parameters), None) == "learning_rate"
    )
    return (*whole, *_FACTORIES)


def _factory(name: str) -> Callable[..., optax.GradientTransformation]:
    known = names()
    if name not in known:
        hint = did_you_mean(name, known) or f"There are {', '.join(known)}."
        raise UserError(
            f"`optimizer.name` must be an optimizer of optax, got {shown(name)}. {hint}"
        )
    factory: Callable[..., optax.GradientTransformation]
    factory = _FACTORIES[name] if name in _FACTORIES else getattr(optax, name)
    return factory


def _parameters(factory: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(factory).parameters)


def _numeric(factory: Callable[..., Any]) -> dict[str, float]:
    """Returns the arguments that may be given as numbers, with their defaults."""
    parameters = inspect.signature(factory).parameters.values()
    return {each.name: each.default for each in parameters if isinstance(each.default, float | int)}


def _matrices(params: Any, is_kernel: Callable[[Any], Any]) -> Any:
    """Returns for each parameter how muon sees it as a matrix; None: it leaves it to Adam."""

    def numbers(kernel: bool, leaf: jax.Array) -> contrib.MuonDimensionNumbers | None:
        *inner, outer = range(leaf.ndim)
        return contrib.MuonDimensionNumbers(tuple(inner), outer) if kernel and inner else None

    return jax.tree.map(numbers, is_kernel(params), params)

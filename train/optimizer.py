"""The optimizer of a configuration: an optax chain whose learning rate can be read."""

import dataclasses
import difflib
import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from optax import contrib

from train.errors import UserError

# Arguments of optax's optimizers for which there are fields.
_FIELDS = {"learning_rate": "schedule", "weight_decay": "optimizer.weight_decay"}
_FIELDS_OF_SGD = {"momentum": "optimizer.momentum", "nesterov": "optimizer.nesterov"}
# They ask for the loss itself, for a random seed, or for a rate that is no schedule.
_NEED_MORE = {"polyak_sgd", "noisy_sgd", "optimistic_adam"}
_FACTORIES = {
    # A line search would ask for the loss; the schedule is the length of the step in its place.
    "lbfgs": functools.partial(optax.lbfgs, linesearch=None),
    "muon": contrib.muon,
}


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """The optimizer."""

    name: str = "sgd"
    """sgd, adam, adamw, or any other optimizer by its name in optax. muon orthogonalises what
    moves kernels, a convolution's as a matrix [height * width * in, out], and leaves all else to
    its Adam at the same rate. lbfgs has no line search, the schedule is the length of its step: it
    wants full batches, and keeps 22 copies of the parameters (2, and 2 more a memory_size)."""
    momentum: float = 0.9
    """Of sgd; 0: none."""
    nesterov: bool = False
    """Nesterov's momentum, of sgd."""
    weight_decay: float = 5e-4
    """On kernels alone, not on biases, norm scales or position embeddings. Decoupled where the
    optimizer has a weight decay of its own (adamw, lion, muon, ...), else added to the gradient."""
    clip_norm: float | None = None
    """Largest global norm of the gradient, before weight decay; None: any."""
    microbatches: int = 1
    """Parts that a device's batch is cut into, whose gradients are averaged: less memory for the
    same update, but batch norm sees one part at a time."""
    arguments: dict[str, float] = dataclasses.field(default_factory=dict)
    """Further arguments of optax's optimizer, such as b1 0.9 b2 0.95."""

    def __post_init__(self) -> None:
        """Checks the knobs, names and arguments."""
        fields = _FIELDS | (_FIELDS_OF_SGD if self.name == "sgd" else {})
        defaults = _numeric(_factory(self.name))
        known = sorted(defaults.keys() - fields.keys())
        for argument, value in self.arguments.items():
            if argument not in known:
                close = difflib.get_close_matches(argument, known, 1)
                hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."
                if argument in fields:
                    hint = f"Set `{fields[argument]}`."
                raise UserError(
                    f"`optimizer.arguments` must be numbers that optax's {self.name} takes, "
                    f"got {argument}. {hint}"
                )
            if type(defaults[argument]) is int and value != int(value):
                raise UserError(
                    f"`optimizer.arguments` must give {argument} a whole number, got {value}. "
                    f"Its default is {defaults[argument]}."
                )
        for name in ("momentum", "weight_decay"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise UserError(
                    f"`optimizer.{name}` must be at least 0, got {value}. 0 switches it off."
                )
        if self.clip_norm is not None and not 0 < self.clip_norm < math.inf:
            raise UserError(
                f"`optimizer.clip_norm` must be above 0, got {self.clip_norm}. "
                "None switches it off."
            )
        if self.microbatches < 1:
            raise UserError(
                f"`optimizer.microbatches` must be at least 1, got {self.microbatches}. "
                "1 takes the batch whole."
            )


def build(
    config: OptimizerConfig,
    schedule: optax.Schedule,
    decay_mask: Callable[[Any], Any],
) -> optax.GradientTransformation:
    """Clipping, weight decay and the optimizer, with the schedule as its injected rate.

    Args:
      config: the knobs.
      schedule: step -> learning rate.
      decay_mask: parameters -> a pytree of bools, True for kernels: where weight decay applies, and
        what muon orthogonalises.

    Returns:
      A transformation whose state holds, under "learning_rate", the rate of the last update.
    """
    factory = _factory(config.name)
    known = _parameters(factory)
    defaults = _numeric(factory)
    arguments: dict[str, Any] = {  # a command line's 5 is 5.0, which is no size
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
    # The rest is static: an injected momentum of 0 would still cost a buffer.
    injected = optax.inject_hyperparams(
        factory, static_args=known - {"learning_rate"}, hyperparam_dtype=jnp.float32
    )
    return optax.chain(*before, injected(learning_rate=schedule, **arguments))


def learning_rate(opt_state: optax.OptState) -> jax.Array:
    """The rate that the last update used, float32, a scalar."""
    rate: jax.Array = optax.tree.get(opt_state, "hyperparams")["learning_rate"]
    return rate


def names() -> tuple[str, ...]:
    """The optimizers of optax that need gradients, parameters and a schedule, and no more."""
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
        close = difflib.get_close_matches(name, known, 1)
        hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."
        raise UserError(f"`optimizer.name` must be an optimizer of optax, got {name}. {hint}")
    factory: Callable[..., optax.GradientTransformation]
    factory = _FACTORIES[name] if name in _FACTORIES else getattr(optax, name)
    return factory


def _parameters(factory: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(factory).parameters)


def _numeric(factory: Callable[..., Any]) -> dict[str, float]:
    """The defaults of arguments that may be given as numbers."""
    parameters = inspect.signature(factory).parameters.values()
    return {each.name: each.default for each in parameters if isinstance(each.default, float | int)}


def _matrices(params: Any, is_kernel: Callable[[Any], Any]) -> Any:
    """How muon sees a kernel [..., in, out] as a matrix; None: not at all."""

    def numbers(kernel: bool, leaf: jax.Array) -> contrib.MuonDimensionNumbers | None:
        *inner, outer = range(leaf.ndim)
        return contrib.MuonDimensionNumbers(tuple(inner), outer) if kernel and inner else None

    return jax.tree.map(numbers, is_kernel(params), params)

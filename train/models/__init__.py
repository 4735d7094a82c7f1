"""Networks as pairs of pure functions; the only folder that knows Flax."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import nnx

from train.errors import UserError
from train.models import transformer
from train.models._layers import Layers, Network
from train.models._nnx import Model, Normal, functional, num_params
from train.models.resnet import RESNET18, RESNET34, RESNET50, RESNET_SMALL, ResNet, ResNetShape
from train.models.transformer import Joined, Transformer, TransformerBranch

__all__ = ["Model", "ModelConfig", "Transformer", "build", "decay_mask", "names", "num_params"]


@dataclass(frozen=True)
class ModelConfig:
    """The network."""

    name: str = "resnet_small"
    """resnet_small, resnet18, resnet34, resnet50, or hybrid50 (a transformer beside ResNet-50)."""
    width: int | None = None
    """Channels of the stem, which scale all others; None: the network's own (64; small: 16).
    110 gives ResNet-34 the 63 million parameters of the paper."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the computation; parameters, batch statistics and logits are float32. auto: bfloat16 on
    accelerators, float32 on CPU."""
    batch_norm: Literal["global", "local"] = "global"
    """Statistics of the batch on all devices, or of each device's own part; then the running
    statistics are the mean over the devices."""
    zero_init_residual: bool = False
    """Start the last batch-norm scale of each residual branch at 0, else at 1."""
    transformer: Transformer = field(default_factory=Transformer)


_Maker = Callable[[ModelConfig, Layers], Network]


def _resnet(shape: ResNetShape) -> _Maker:
    def make(config: ModelConfig, layers: Layers) -> ResNet:
        width = shape.width if config.width is None else config.width
        return ResNet(
            replace(shape, width=width),
            zero_init_residual=config.zero_init_residual,
            layers=layers,
        )

    return make


_NETWORKS: dict[str, _Maker] = {
    "resnet_small": _resnet(RESNET_SMALL),
    "resnet18": _resnet(RESNET18),
    "resnet34": _resnet(RESNET34),
    "resnet50": _resnet(RESNET50),
}
_HYBRIDS = {"hybrid50": "resnet50"}


def names() -> tuple[str, ...]:
    """The networks that `build` knows."""
    return (*_NETWORKS, *_HYBRIDS)


def build(config: ModelConfig, *, num_classes: int, axis_name: str | None) -> Model:
    """The model of a configuration.

    Args:
      config: the knobs.
      num_classes: length of the logits.
      axis_name: axis of devices over which a training batch is spread, for batch norm; None
        where there is none. `apply` in training then runs under that axis.

    Raises:
      UserError: for an unknown name or a knob that is out of its range.
    """
    _check(config)
    is_global = config.batch_norm == "global"
    dtype = config.dtype
    if dtype == "auto":
        dtype = "float32" if jax.default_backend() == "cpu" else "bfloat16"

    def make(normal: Normal) -> _Classifier:
        layers = Layers(normal, jnp.dtype(dtype), axis_name if is_global else None)
        network = _NETWORKS[_HYBRIDS.get(config.name, config.name)](config, layers)
        if config.name in _HYBRIDS:
            branch = TransformerBranch(config.transformer, layers=layers)
            network = Joined(branch, network)
        return _Classifier(network, num_classes, layers=layers)

    return functional(make, average_batch_stats_over=None if is_global else axis_name)


def decay_mask(params: Any) -> Any:
    """Which parameters weight decay touches: True for kernels.

    Biases and the scales of norms are left alone (He et al. 2019, arXiv 1812.01187, section 3.1),
    and so is the position embedding.
    """
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)


class _Classifier(nnx.Module):
    """A network's features -> logits, in float32.

    The kernel is normal with standard deviation 0.01, the bias zero (Goyal et al. 2017, section
    5.1), so that training starts near a loss of ln(num_classes).
    """

    def __init__(self, network: Network, num_classes: int, *, layers: Layers) -> None:
        self.network = network
        self.head = replace(layers, dtype=jnp.float32).linear(
            network.num_features, num_classes, stddev=0.01
        )

    def __call__(self, images: jax.Array) -> jax.Array:
        return self.head(self.network(images))


def _check(config: ModelConfig) -> None:
    if config.name not in names():
        close = difflib.get_close_matches(config.name, names(), n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UserError(f"`name` must be one of {', '.join(names())}, got {config.name!r}.{hint}")
    if config.width is not None and (not isinstance(config.width, int) or config.width < 1):
        raise UserError(
            f"`width` must be a positive whole number, got {config.width}. "
            "Leave it out to take the network's own."
        )
    for name, known in {
        "dtype": ("auto", "float32", "bfloat16"),
        "batch_norm": ("global", "local"),
    }.items():
        value = getattr(config, name)
        if value not in known:
            raise UserError(f"`{name}` must be one of {', '.join(known)}, got {value!r}.")
    transformer.check(config.transformer)

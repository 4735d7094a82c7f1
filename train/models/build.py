"""Builds a network from its name and knobs, as a pair of pure functions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from train.dtype import dtype_of
from train.errors import UserError, did_you_mean
from train.models import densenet, googlenet, resnet, transformer, vgg, xception
from train.models._classifier import Classifier
from train.models._layers import Layers, Network
from train.models.config import ModelConfig
from train.models.model import Model, Normal, functional
from train.models.own import build_own
from train.models.transformer import Joined, TransformerBranch

_Maker = Callable[[ModelConfig, Layers], Network]
_Shape = TypeVar(
    "_Shape",
    resnet.ResNetShape,
    vgg.VGGShape,
    googlenet.GoogLeNetShape,
    xception.XceptionShape,
    densenet.DenseNetShape,
)


def _resnet(shape: resnet.ResNetShape) -> _Maker:
    def make(config: ModelConfig, layers: Layers) -> resnet.ResNet:
        of_size = resnet.at_224(shape) if config.image_size == 224 else shape
        return resnet.ResNet(
            _widened(of_size, config),
            zero_init_residual=config.zero_init_residual,
            layers=layers,
        )

    return make


def _vgg(shape: vgg.VGGShape) -> _Maker:
    return lambda config, layers: vgg.VGG(
        _widened(shape, config),
        image_size=config.image_size,
        dropout=config.dropout,
        layers=layers,
    )


def _googlenet(shape: googlenet.GoogLeNetShape) -> _Maker:
    return lambda config, layers: googlenet.GoogLeNet(
        _widened(shape, config), image_size=config.image_size, layers=layers
    )


def _xception(shape: xception.XceptionShape) -> _Maker:
    return lambda config, layers: xception.Xception(
        _widened(shape, config), image_size=config.image_size, layers=layers
    )


def _densenet(shape: densenet.DenseNetShape) -> _Maker:
    return lambda config, layers: densenet.DenseNet(
        shape, width=config.width or shape.width, layers=layers
    )


def _widened(shape: _Shape, config: ModelConfig) -> _Shape:
    return shape if config.width is None else replace(shape, width=config.width)


_NETWORKS: dict[str, _Maker] = {
    "resnet_small": _resnet(resnet.RESNET_SMALL),
    "resnet18": _resnet(resnet.RESNET18),
    "resnet34": _resnet(resnet.RESNET34),
    "resnet50": _resnet(resnet.RESNET50),
    "resnet20": _resnet(resnet.RESNET20),
    "resnet110": _resnet(resnet.RESNET110),
    "stochastic20": _resnet(resnet.STOCHASTIC20),
    "stochastic110": _resnet(resnet.STOCHASTIC110),
    "vgg11": _vgg(vgg.VGG11),
    "vgg16": _vgg(vgg.VGG16),
    "vgg19": _vgg(vgg.VGG19),
    "googlenet_small": _googlenet(googlenet.GOOGLENET_SMALL),
    "googlenet": _googlenet(googlenet.GOOGLENET),
    "xception_small": _xception(xception.XCEPTION_SMALL),
    "xception": _xception(xception.XCEPTION),
    "densenet_small": _densenet(densenet.DENSENET_SMALL),
    "densenet40": _densenet(densenet.DENSENET40),
    "densenet100": _densenet(densenet.DENSENET100),
}
_HYBRIDS = {"hybrid50": "resnet50"} | {f"hybrid_{name}": name for name in _NETWORKS}
_AT_224 = ("resnet18", "resnet34", "resnet50", "vgg", "googlenet", "xception")
_WITHOUT_BATCH_NORM = ("vgg", "googlenet")


def names() -> tuple[str, ...]:
    """Returns the names that `build` knows. Those with the transformer branch come last."""
    return (*_NETWORKS, *_HYBRIDS)


def build(config: ModelConfig, *, num_classes: int, axis_name: str | None) -> Model:
    """Returns the model of a configuration.

    Args:
      config: the knobs.
      num_classes: length of the logits.
      axis_name: the axis of devices over which a training batch is spread, for batch norm. In
        training, `apply` then runs under that axis. None: there is no such axis.

    Raises:
      UserError: the name is unknown, or the network does not take a knob.
    """
    if config.builder is not None:
        return build_own(config.builder, num_classes=num_classes, axis_name=axis_name)
    _check(config)
    is_global = config.batch_norm == "global"
    dtype = dtype_of(config.dtype)

    def make(normal: Normal) -> Classifier:
        layers = Layers(
            normal,
            jnp.dtype(dtype),
            axis_name if is_global else None,
            has_batch_norm=config.batch_norm != "none",
        )
        network = _NETWORKS[_HYBRIDS.get(config.name, config.name)](config, layers)
        if config.name in _HYBRIDS:
            branch = TransformerBranch(
                config.transformer, layers=layers, image_size=config.image_size
            )
            network = Joined(branch, network)
        return Classifier(
            network,
            num_classes,
            image_size=config.image_size,
            dropout=config.dropout,
            layers=layers,
        )

    return functional(
        make, average_batch_stats_over=axis_name if config.batch_norm == "local" else None
    )


def decay_mask(params: Any) -> Any:
    """Marks the parameters on which weight decay acts: True for kernels.

    It does not act on biases and the scales of norms (He et al. 2019, arXiv 1812.01187, section
    3.1), nor on the position embedding.
    """
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)


def _check(config: ModelConfig) -> None:
    if config.name not in names():
        raise UserError(
            f"`model.name` must be one of {', '.join(_NETWORKS)}, or `hybrid_` before one of them, "
            f"got {config.name!r}. {did_you_mean(config.name, names())}".rstrip()
        )
    network = _HYBRIDS.get(config.name, config.name)
    has_224 = network.startswith(_AT_224)
    is_optional = network.startswith(_WITHOUT_BATCH_NORM)
    for name, known in {
        "image_size": (32, 224) if has_224 else (32,),
        "batch_norm": ("global", "local", "none") if is_optional else ("global", "local"),
    }.items():
        value = getattr(config, name)
        if value not in known:
            raise UserError(
                f"`model.{name}` must be {' or '.join(map(str, known))}, got {value!r}. "
                f"{config.name} takes no other."
            )

    transformer.check(config.transformer, image_size=config.image_size)

"""The choice of a network and its knobs: plain data, which loads no library of networks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from train.checked import Extent, Share, checked

_NAMES = (
    *("resnet_small", "resnet18", "resnet34", "resnet50", "resnet20", "resnet110"),
    *("stochastic20", "stochastic110", "vgg11", "vgg16", "vgg19", "googlenet_small", "googlenet"),
    *("xception_small", "xception", "densenet_small", "densenet40", "densenet100"),
)
NETWORKS = (*_NAMES, "hybrid50", *(f"hybrid_{name}" for name in _NAMES))
"""The names of the networks that `train.models.build` builds."""


@checked("model.transformer")
@dataclass(frozen=True)
class Transformer:
    """The transformer branch of a hybrid network."""

    patch_size: Extent = 4
    """The side of the square patches that become tokens, in pixels. At least 1.
    It must divide the image's.
    At 32 pixels, 4 makes 64 tokens. At 224 pixels, 28 makes as many, and 16 is usual (ViT)."""
    width: Extent = 192
    """The number of features of a token. At least 1."""
    num_heads: Extent = 3
    """The number of attention heads. At least 1. It must divide the width."""


@checked("model")
@dataclass(frozen=True)
class ModelConfig:
    """The network that is trained."""

    name: str = "resnet_small"
    """The network. Of residual networks: resnet_small, resnet18, resnet34, resnet50.
    Of others: vgg11, vgg16, vgg19, googlenet_small, googlenet, xception_small, xception.
    Made for CIFAR: resnet20, resnet110, densenet_small, densenet40, densenet100.
    Made for CIFAR, with stochastic depth: stochastic20, stochastic110.
    With `hybrid_` before any of these names, a transformer branch stands beside the network.
    hybrid50 is short for hybrid_resnet50."""
    width: Extent | None = None
    """The number of channels after the first layers. It scales all other channels. At least 1.
    None: the network's own, for most of them 64.
    110 gives ResNet-34 the 63 million parameters of the paper (Naveen 2024)."""
    image_size: Literal[32, 224] = 32
    """The side of the images, in pixels. Images of another size are resized on the device.
    With 224 the network is the published one. With 32 its first layers suit small images."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """The type of the numbers in the computation. auto: bfloat16 on accelerators, float32 on CPU.
    Parameters, batch statistics and logits are always float32."""
    batch_norm: Literal["global", "local", "none"] = "global"
    """The images over which batch norm takes its statistics.
    global: the whole batch, over all devices.
    local: each device's own part. The running statistics are then the mean over the devices.
    none: no batch norm, for VGG and GoogLeNet as they were published."""
    zero_init_residual: bool = False
    """Whether the last batch-norm scale of each residual branch starts at 0, instead of at 1.
    With 0, each block starts as the identity."""
    dropout: Share = 0.0
    """The part of the features that is dropped before the classifier, in training.
    At least 0 and below 1; 0: none. A VGG at 224 pixels has it between its hidden layers too.
    For ImageNet, VGG and Xception were published with 0.5 and GoogLeNet with 0.4.
    Networks for CIFAR with batch norm and augmentation do without."""
    transformer: Transformer = field(default_factory=Transformer)
    builder: Callable[..., Any] | None = None
    """A network of your own in place of these: a function, or a class, in a configuration file.
    `builder(num_classes, rngs)` returns an nnx.Module, which makes logits of images.
    The other fields of the model then have no use. None: the network with the name."""

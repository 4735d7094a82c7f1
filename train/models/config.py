"""Which network, and its knobs: plain data, without a network's library."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Transformer:
    """The transformer branch of a hybrid network."""

    patch_size: int = 4
    """Side of the square patches that become tokens, in pixels; it divides the image's. 4 makes
    64 tokens of 32 pixels, but 3,136 of 224: there 28 makes as many, and 16 is ViT's."""
    width: int = 192
    """Features of a token."""
    num_heads: int = 3
    """Attention heads; their number divides the width."""


@dataclass(frozen=True)
class ModelConfig:
    """The network."""

    name: str = "resnet_small"
    """resnet_small, resnet18, resnet34, resnet50; made for CIFAR: resnet20, resnet110, with
    stochastic depth stochastic20, stochastic110, and densenet_small, densenet40, densenet100;
    vgg11, vgg16, vgg19; googlenet_small, googlenet; xception_small, xception. `hybrid_` before
    any of them puts the transformer branch beside it; hybrid50 is hybrid_resnet50."""
    width: int | None = None
    """Channels of the stem, which scale all others; None: the network's own (64 for most).
    110 gives ResNet-34 the 63 million parameters of the paper."""
    image_size: Literal[32, 224] = 32
    """Pixels to each side, to which images are resized on the device. 224 takes the published
    network, 32 one whose stem is made for it."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the computation; parameters, batch statistics and logits are float32. auto: bfloat16 on
    accelerators, float32 on CPU."""
    batch_norm: Literal["global", "local", "none"] = "global"
    """Statistics of the batch on all devices, or of each device's own part; then the running
    statistics are the mean over the devices. none: VGG and GoogLeNet as they were published."""
    zero_init_residual: bool = False
    """Start the last batch-norm scale of each residual branch at 0, else at 1."""
    dropout: float = 0.0
    """Part of the features that is dropped before the classifier in training, and before the
    second hidden layer of a VGG at 224 pixels. Published: VGG and Xception 0.5, GoogLeNet 0.4, for
    ImageNet; with batch norm and augmentation CIFAR's networks do without."""
    transformer: Transformer = field(default_factory=Transformer)

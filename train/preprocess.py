"""Preprocessing: contrast, means and whitening. It is fitted on training images only.

Pixels are scaled to 0..1. Then these steps follow in this order. Each can be on or off.

1. Contrast stretching of each image: `(x - min x) / (max x - min x)`.
2. Global contrast normalisation of each image: `(x - mean x) / sqrt(10 / 255^2 + var x)`.
3. Per-pixel mean: `x - m`. Here m is the mean training image after step 2.
4. ZCA whitening: `(x - m') U (L + epsilon)^(-1/2) U^T`. Here m' is the mean and `U L U^T` the
   covariance of the training images after step 3, each flattened to height * width * channels.
5. Standardisation of each channel: `(x - mean) / deviation`, both of the images after step 4.

A constant image, pixel or channel comes out as zeros, never as NaN.

References:
  Steps 2 and 4: A. Coates, H. Lee, A. Y. Ng, "An Analysis of Single-Layer Networks in
  Unsupervised Feature Learning", AISTATS 2011, section 3.1 (their 10 is in units of 0..255);
  ZCA: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, appendix A.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

import jax
import numpy as np

from train.checked import checked
from train.errors import UserError
from train.kinds import Within

Statistics = dict[str, np.ndarray]
_Array = TypeVar("_Array", np.ndarray, jax.Array)

_CHUNK = 1000  # images at a time: 12 MB of float32 at 32x32x3


@checked("preprocess")
@dataclass(frozen=True)
class Preprocess:
    """How images are prepared for the network: the steps, in the order in which they are taken."""

    contrast_stretching: bool = False
    """Whether each image's values are stretched, so that the smallest is 0 and the largest 1."""
    global_contrast_normalisation: bool = False
    """Whether each image's mean is subtracted, and the image divided by its standard deviation."""
    per_pixel_mean: bool = False
    """Whether the mean training image is subtracted."""
    zca_whitening: bool = False
    """Whether neighbouring pixels are decorrelated.
    To fit this takes about a minute for 50,000 images on 2 CPU cores."""
    zca_epsilon: Annotated[float, Within(above=0)] = 0.1
    """The number that whitening adds to the eigenvalues of the pixels' covariance. Above 0.
    The larger it is, the less noise is amplified.
    0.1 (Coates et al. 2011) suits pixels of unit variance, after contrast normalisation.
    Without it the pixels' variance is about 0.06: then divide this number by 15."""
    standardise: bool = True
    """Whether each channel's mean is subtracted, and the channel divided by its deviation."""


def fit(knobs: Preprocess, images: np.ndarray) -> Statistics:
    """Computes the statistics that `apply` needs from the training images, on the host.

    Args:
      knobs: which steps are taken.
      images: uint8, [n, height, width, channels], n >= 1.

    Returns:
      float32 arrays, those that the steps taken need: `pixel_mean` [height, width, channels];
      `zca_mean` [d] and `zca_matrix` [d, d], d = height * width * channels; `channel_mean` and
      `channel_deviation` [channels].

    Raises:
      UserError: there are no images.
    """
    if len(images) == 0:
        raise UserError("Preprocessing must be fitted on at least 1 training image, got 0.")

    # Each statistic is that of the images as the steps before it leave them.
    statistics: Statistics = {}
    taken = replace(knobs, per_pixel_mean=False, zca_whitening=False, standardise=False)
    if knobs.per_pixel_mean:
        statistics["pixel_mean"] = _float32(_mean(_chunks(taken, statistics, images)))
        taken = replace(taken, per_pixel_mean=True)

    if knobs.zca_whitening:
        zca, mean, variance = _fit_zca(taken, statistics, images)
        statistics |= zca
    elif knobs.standardise:
        mean = _float32(_mean(_chunks(taken, statistics, images)).mean(axis=(0, 1)))
        squares = (np.square(x - mean) for x in _chunks(taken, statistics, images))
        variance = _mean(squares).mean(axis=(0, 1))
    if knobs.standardise:
        statistics["channel_mean"] = _float32(mean)
        statistics["channel_deviation"] = _float32(np.where(variance > 0, variance, 1) ** 0.5)
    return statistics


def blank(knobs: Preprocess, shape: Sequence[int]) -> Statistics:
    """Returns statistics with the shapes that `fit` gives, and zeros in them.

    Args:
      knobs: which steps are taken.
      shape: of an image: height, width, channels.
    """
    length = math.prod(shape)
    shapes: dict[str, Sequence[int]] = {}
    if knobs.per_pixel_mean:
        shapes["pixel_mean"] = shape
    if knobs.zca_whitening:
        shapes |= {"zca_mean": (length,), "zca_matrix": (length, length)}
    if knobs.standardise:
        shapes |= {"channel_mean": shape[-1:], "channel_deviation": shape[-1:]}
    return {name: np.zeros(each, np.float32) for name, each in shapes.items()}


def apply(knobs: Preprocess, statistics: Statistics, images: _Array) -> _Array:
    """Preprocesses a batch. It is pure, and takes NumPy arrays or, under jit, those of JAX.

    Args:
      knobs: which steps are taken.
      statistics: from `fit` with the same knobs.
      images: uint8, [b, height, width, channels].

    Returns:
      float32, [b, height, width, channels].
    """
    x = images.astype(np.float32) / np.float32(255)
    each_image = (1, 2, 3)
    if knobs.contrast_stretching:
        low, high = x.min(axis=each_image, keepdims=True), x.max(axis=each_image, keepdims=True)
        x = (x - low) / (high - low + (high == low))
    if knobs.global_contrast_normalisation:
        variance = x.var(axis=each_image, keepdims=True)
        x = (x - x.mean(axis=each_image, keepdims=True)) / (
            np.float32(10 / 255**2) + variance
        ) ** 0.5

    if knobs.per_pixel_mean:
        x = x - statistics["pixel_mean"]
    if knobs.zca_whitening:
        flat = x.reshape(len(x), -1) - statistics["zca_mean"]
        # An accelerator's default precision (bfloat16 or TF32) is too coarse for a sum of 3072
        # terms.
        with jax.default_matmul_precision("highest"):
            x = (flat @ statistics["zca_matrix"]).reshape(x.shape)
    if knobs.standardise:
        x = (x - statistics["channel_mean"]) / statistics["channel_deviation"]
    return x


def apply_to_all(knobs: Preprocess, statistics: Statistics, images: np.ndarray) -> np.ndarray:
    """Preprocesses a whole split on the host, in chunks.

    Args:
      knobs: which steps are taken.
      statistics: from `fit` with the same knobs.
      images: uint8, [n, height, width, channels].

    Returns:
      float32, [n, height, width, channels].
    """
    return np.concatenate(list(_chunks(knobs, statistics, images)))


def _float32(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def _chunks(knobs: Preprocess, statistics: Statistics, images: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(images), _CHUNK):
        yield apply(knobs, statistics, images[start : start + _CHUNK])


def _mean(chunks: Iterable[np.ndarray]) -> np.ndarray:
    """Returns the mean over the first axis, summed in float64."""
    total, count = np.zeros(()), 0
    for x in chunks:
        total = total + x.sum(axis=0, dtype=np.float64)
        count += len(x)
    return total / count


def _fit_zca(
    knobs: Preprocess, statistics: Statistics, images: np.ndarray
) -> tuple[Statistics, np.ndarray, np.ndarray]:
    """Returns the whitening's statistics, and each channel's mean and variance after it."""
    mean = _float32(_mean(x.reshape(len(x), -1) for x in _chunks(knobs, statistics, images)))
    covariance = np.zeros((mean.size, mean.size))
    for x in _chunks(knobs, statistics, images):
        centred = x.reshape(len(x), -1) - mean
        covariance += centred.T @ centred
    eigenvalues, vectors = np.linalg.eigh(covariance / len(images))
    # Rounding leaves some of the smallest eigenvalues just below zero.
    eigenvalues = np.maximum(eigenvalues, 0)
    scale = (eigenvalues + knobs.zca_epsilon) ** -0.5
    whitening = {"zca_mean": mean, "zca_matrix": _float32((vectors * scale) @ vectors.T)}
    # This is the diagonal of W C W, where W is the whitening and C the covariance. To whiten all
    # images and take their variance would last as long as the covariance.
    variance = np.square(vectors) @ (eigenvalues * scale**2)
    channels = images.shape[-1]
    return whitening, np.zeros(channels), variance.reshape(-1, channels).mean(axis=0)

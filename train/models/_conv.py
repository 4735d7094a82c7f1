"""Convolutions that run fast on XLA:CPU. Elsewhere they are those of the library.

XLA:CPU runs a convolution by a library, YNNPACK. It is fast if an operand lies in the cache and the
outputs fill its registers. Two shapes of small networks do not suit it. Both are computed in
another way here, from the same products.

- The gradient with respect to the kernel sums over all pixels of all images. The library reads the
  whole gradient of the outputs again and again. If that is larger than 512 KiB, the sum is taken
  over parts of the batch, one after the other.
- If there are few channels, m neighbouring pixels of a row are computed as the channels of one
  pixel. The kernel is then moved by 0, s, ..., (m - 1) s pixels, where s is the stride, and the new
  stride is m s.

CPU time in ms, one core (Xeon, AVX-512, float32, jax 0.10.2), by the library, here, and by
PyTorch 2.13:

    images, pixels, channels, kernel, stride   gradient of the kernel     outputs
    128, 16x16, 16 -> 16, 3x3, 1               3.83   2.15   1.00         2.56   1.55   1.11
    64, 16x16, 32 -> 32, 3x3, 1                6.20   3.11   1.93         2.12   as is  1.85
    128, 32x32, 3 -> 16, 3x3, 2                1.50   0.90   0.26         2.07   0.84   0.48
    64, 32x32, 3 -> 32, 3x3, 2                 0.98   0.69   0.27         1.48   0.45   0.34
    64, 32x32, 64 -> 64, 3x3, 1                 132     45
    64, 16x16, 128 -> 128, 3x3, 1               131     44
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

_LAYOUT = ("NHWC", "HWIO", "NHWC")
_FEW, _MANY = 2**18, 2**20
"""Sizes of the outputs' gradient, in bytes: the largest that is taken whole, and the largest part
of a larger one."""


def conv_general_dilated(
    x: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    **how: Any,
) -> jax.Array:
    """Replaces `lax.conv_general_dilated` in `nnx.Conv`.

    It maps [b, h, w, i] and a kernel [k, k, i, o] to [b, h', w', o]. Strides and padding are equal
    in both directions. Nothing is dilated or grouped.
    """
    is_here = jax.default_backend() == "cpu" and x.dtype == jnp.float32
    if is_here and _is_faster(x, kernel, strides[0], padding[0][0]):
        return _convolve(x, kernel, strides[0], padding[0][0])
    return lax.conv_general_dilated(x, kernel, strides, padding, **how)


def _is_faster(x: jax.Array, kernel: jax.Array, stride: int, padding: int) -> bool:
    """Tells whether our way differs from the library's for these shapes."""
    y = jax.eval_shape(lambda: _library(x, kernel, (stride,) * 2, ((padding,) * 2,) * 2))
    skips = len(kernel) == 1 < stride
    return skips or _together(kernel, y.shape[2]) > 1 or _images_in_a_part(y) < len(x)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolve(x: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    return _outputs(x, kernel, stride, padding)


def _forward(
    x: jax.Array, kernel: jax.Array, stride: int, padding: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _outputs(x, kernel, stride, padding), (x, kernel)


def _backward(
    stride: int, padding: int, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = saved
    return (
        _input_gradient(x, kernel, gradient, stride, padding),
        _kernel_gradient(x, kernel, gradient, stride, padding),
    )


_convolve.defvjp(_forward, _backward)


def _outputs(x: jax.Array, kernel: jax.Array, stride: int, padding: int) -> jax.Array:
    width = (x.shape[2] + 2 * padding - kernel.shape[1]) // stride + 1
    together = _together(kernel, width)

    # Pixel j of those that are computed as one sees the kernel moved by j strides.
    moved = [
        jnp.pad(kernel, ((0, 0), (j * stride, (together - 1 - j) * stride), (0, 0), (0, 0)))
        for j in range(together)
    ]
    strides = stride, together * stride
    y = _library(x, jnp.concatenate(moved, axis=-1), strides, ((padding, padding),) * 2)
    return y.reshape(*y.shape[:2], width, kernel.shape[-1])


def _together(kernel: jax.Array, width: int) -> int:
    """Returns how many of a row's pixels are computed as one, with 64 or 32 channels in all."""
    size, _, inputs, outputs = kernel.shape
    if size == 1 or inputs > 16 or outputs not in (16, 32):
        return 1
    together = (64 if inputs <= 4 else 32) // outputs
    return together if width % together == 0 else 1


def _input_gradient(
    x: jax.Array, kernel: jax.Array, gradient: jax.Array, stride: int, padding: int
) -> jax.Array:
    if stride == 1:
        turned = kernel[::-1, ::-1].swapaxes(2, 3)
        return _outputs(gradient, turned, 1, kernel.shape[0] - 1 - padding)

    def outputs(x: jax.Array) -> jax.Array:
        return _library(x, kernel, (stride, stride), ((padding, padding),) * 2)

    return jax.linear_transpose(outputs, x)(gradient)[0]


def _kernel_gradient(
    x: jax.Array, kernel: jax.Array, gradient: jax.Array, stride: int, padding: int
) -> jax.Array:
    size = kernel.shape[0]
    if size == 1:  # the pixels that the stride leaves out need not be moved
        x, stride = x[:, ::stride, ::stride], 1
    images = _images_in_a_part(gradient)
    # Where the stride steps over the last pixels, they are left out: `after` is then negative.
    after = (gradient.shape[1] - 1) * stride + size - x.shape[1] - padding

    def of_part(start: int | jax.Array) -> jax.Array:
        part = lax.dynamic_slice_in_dim(x, start, images)
        part_gradient = lax.dynamic_slice_in_dim(gradient, start, images)
        return lax.conv_general_dilated(
            part.transpose(3, 1, 2, 0),
            part_gradient.transpose(1, 2, 0, 3),
            (1, 1),
            ((padding, after),) * 2,
            rhs_dilation=(stride, stride),
            dimension_numbers=_LAYOUT,
        )

    if images == len(x):
        total = of_part(0)
    else:
        starts = jnp.arange(0, len(x), images)
        zero = jnp.zeros((kernel.shape[2], size, size, kernel.shape[3]), kernel.dtype)
        total = lax.scan(lambda sum_, start: (sum_ + of_part(start), None), zero, starts)[0]
    return total.transpose(1, 2, 0, 3)


def _images_in_a_part(gradient: jax.ShapeDtypeStruct | jax.Array) -> int:
    """Returns the number of images in a part of the batch, which divides the batch.

    With few channels the library is fast only from more than 16 images on.
    """
    batch = gradient.shape[0]
    num_bytes = 4 * gradient.size
    if num_bytes <= _FEW:
        return batch
    most = 32 if gradient.shape[-1] <= 16 else max(1, min(8, _MANY * batch // num_bytes))
    return max(number for number in range(1, most + 1) if batch % number == 0)


def _library(
    x: jax.Array, kernel: jax.Array, strides: Sequence[int], padding: Sequence[tuple[int, int]]
) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=_LAYOUT)

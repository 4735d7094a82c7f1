"""Pooling without `reduce_window`.

The gradient of its maximum is slow on a CPU, and has no kernel in the deterministic mode of a GPU.
Where several inputs of a window share the maximum, the gradient is shared among them too.
"""

import functools

import jax
import jax.numpy as jnp


def max_pool(x: jax.Array, *, window: int, stride: int) -> jax.Array:
    """Takes maxima of windows: [b, h, w, c] -> [b, ceil(h / stride), ceil(w / stride), c].

    A window as wide as the stride needs no padding, and must divide h and w. Another window must be
    odd. It reaches `(window - 1) / 2` pixels to each side of its middle, up to the image's edge.
    """
    if window == stride:
        return _blocks(x, window).max((2, 4))
    # One axis follows the other: XLA:CPU takes 3 to 10 times as long for the gradient of both.
    return _max_along(_max_along(x, 1, window, stride), 2, window, stride)


def mean_pool(x: jax.Array, *, window: int) -> jax.Array:
    """Takes means of squares: [b, h, w, c] -> [b, h / window, w / window, c], in x's dtype."""
    return _blocks(x, window).mean((2, 4), dtype=jnp.float32).astype(x.dtype)


def _max_along(x: jax.Array, axis: int, window: int, stride: int) -> jax.Array:
    size, pad = x.shape[axis], (window - 1) // 2
    pads = [(pad, pad) if axis == other else (0, 0) for other in range(4)]
    padded = jnp.pad(x, pads, constant_values=-jnp.inf)
    shifted = (
        jax.lax.slice_in_dim(padded, start, start + size, stride, axis) for start in range(window)
    )
    return functools.reduce(jnp.maximum, shifted)


def _blocks(x: jax.Array, size: int) -> jax.Array:
    b, h, w, c = x.shape
    return x.reshape(b, h // size, size, w // size, size, c)

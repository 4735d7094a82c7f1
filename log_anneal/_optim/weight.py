"""The weight that the start of a curve has, for every shape in one program."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from log_anneal._curve.tracks import SHAPES

CODES = {shape: code for code, shape in enumerate(SHAPES)}


def weight(
    shape: jax.Array,
    p: jax.Array,
    q: jax.Array,
    t: jax.Array,
    since_start: jax.Array,
    length: jax.Array,
    parameter: jax.Array,
) -> jax.Array:
    """Returns the weight of a curve's start, by two logarithms, one exponential and one root.

    All shapes share them, since each further one makes the program slower to compile.
    """

    def of(shapes: dict[str, jax.Array], otherwise: jax.Array) -> Any:
        for name, value in shapes.items():
            otherwise = lax.select(shape == CODES[name], value, otherwise)
        return otherwise

    # log(1 + w), which has all its digits; and a logarithm where 1 + w would lose some.
    one = jnp.float32(1)
    is_late = p >= 0.5
    above_one = of(
        {
            "log": parameter * p,
            "power": -jnp.minimum(p, 0.5),
            "equation_4": math.pi * length / (t + 1) - 1,
            "author_release": (jnp.maximum(length, 2) - jnp.maximum(t, 1)) / jnp.maximum(t, 1),
        },
        jnp.float32(0),
    )
    logarithm = jnp.log1p(above_one)
    is_power = shape == CODES["power"]
    other = jnp.log(jnp.maximum(lax.select(is_power, q, jnp.maximum(length, 2)), 1e-38))
    of_power = lax.select(is_late, other, logarithm)
    power = jnp.expm1(of({"power": parameter * of_power}, -parameter * p))
    root = jnp.sqrt(of({"inverse_sqrt": parameter / (parameter + since_start)}, p))
    shapes = {
        "level": one,
        "cosine": _half_wave(q),
        "log": logarithm,
        "power": 1 + power,
        "exponential": power,
        "1-sqrt": q / (1 + root),
        "rex": q / (1 - p / 2),
        "equation_4": logarithm,
        "author_release": logarithm / (2 * other),
        "inverse_sqrt": root,
        "parabolic": 1 - p * p,
    }
    found: jax.Array = of(shapes, q)
    return found


def _half_wave(q: jax.Array) -> jax.Array:
    """Returns `(1 - cos(pi q)) / 2` for q in [0, 1], by the series of the sine: to 1e-9."""
    a = q - 0.5
    square, total = a * a, jnp.float32(0)
    for n in (11, 9, 7, 5, 3, 1):
        sign = 1 if n % 4 == 1 else -1
        total = total * square + sign * math.pi**n / (2 * math.factorial(n))
    half: jax.Array = 0.5 + a * total
    return half

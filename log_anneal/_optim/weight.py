"""The weights that a curve's two ends have, for every shape in one program."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from log_anneal._curve.tracks import SHAPES

CODES = {shape: code for code, shape in enumerate(SHAPES)}


def weights(
    shape: jax.Array,
    p: jax.Array,
    q: jax.Array,
    t: jax.Array,
    since_start: jax.Array,
    length: jax.Array,
    parameter: jax.Array,
    scale: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Returns the weights of a curve's start and end.

    They are two, since 1 minus a weight has few digits where the weight is near 1. The shapes share
    the logarithms and exponentials, since each further one makes the program slower to compile.
    """

    def of(shapes: dict[str, jax.Array], otherwise: jax.Array) -> Any:
        for name, value in shapes.items():
            otherwise = lax.select(shape == CODES[name], value, otherwise)
        return otherwise

    one = jnp.float32(1)
    is_log, is_power = shape == CODES["log"], shape == CODES["power"]

    # log(1 + w), which has all its digits; and a logarithm where 1 + w would lose some.
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
    rest = jnp.log1p(lax.select(is_log, parameter * q / (1 + parameter * p), jnp.float32(0)))
    other = jnp.log(jnp.maximum(lax.select(is_power, q, jnp.maximum(length, 2)), 1e-38))

    of_power = lax.select(p >= 0.5, other, logarithm)
    exponent = of({"power": parameter * of_power}, -parameter * p)
    falling, fallen = jnp.exp(exponent), jnp.expm1(exponent)
    to_fall = jnp.expm1(-parameter * q)
    root = jnp.sqrt(of({"inverse_sqrt": parameter / (parameter + since_start)}, p))
    wave = _half_wave(jnp.minimum(p, q))
    is_early = p < q
    from_equation = logarithm * scale + 0.5
    from_author = logarithm / (2 * other)

    of_start = {
        "level": one,
        "cosine": lax.select(is_early, 1 - wave, wave),
        "log": -scale * rest,
        "power": falling,
        "exponential": -scale * falling * to_fall,
        "1-sqrt": q / (1 + root),
        "rex": q / (1 - p / 2),
        "equation_4": from_equation,
        "author_release": from_author,
        "inverse_sqrt": root,
        "parabolic": q * (1 + p),
    }
    of_end = {
        "level": jnp.float32(0),  # it may grow, and then its two ends differ
        "cosine": lax.select(is_early, wave, 1 - wave),
        "log": -scale * logarithm,
        "power": -fallen,
        "exponential": -scale * fallen,
        "1-sqrt": root,
        "rex": p / 2 / (1 - p / 2),
        "equation_4": 1 - from_equation,
        "author_release": 1 - from_author,
        "inverse_sqrt": 1 - root,
        "parabolic": p * p,
    }
    return of(of_start, q), of(of_end, p)


def _half_wave(x: jax.Array) -> jax.Array:
    """Returns `sin(pi x / 2)^2` for x in [0, 1/2], by the series of the sine: to 1e-9 of itself."""
    angle = math.pi / 2 * x
    square, total = angle * angle, jnp.float32(0)
    for n in (9, 7, 5, 3, 1):
        total = total * square + (-1) ** (n // 2) / math.factorial(n)
    sine: jax.Array = angle * total
    return sine * sine

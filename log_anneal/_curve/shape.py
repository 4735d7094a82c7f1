"""The shapes of a cycle. Each returns the weights of the cycle's start value and end value.

`p` is the progress through the cycle and `q` the remainder, `p + q = 1`, both in [0, 1]. They are
two arguments, and the weights are two results, because `1 - p` has few correct float32 digits near
the ends of a cycle.
"""

import math
from collections.abc import Callable
from typing import Any

from log_anneal._core import check
from log_anneal._core.backend import Backend, Host, Number

Weights = tuple[Number, Number]


def log_decay(p: Number, q: Number, base: Number, xp: Backend) -> Weights:
    """Falls fast at first, then slower: `1 - log_b(1 + (b - 1) p)`, and `log_b(1 + (b - 1) p)`."""
    c = base - 1
    e = 1 / c  # the gradient of c q / (1 + c p) would divide by c^2, and underflow
    return xp.log1p(q / (e + p)) / xp.log1p(1 / e), xp.log1p(c * p) / xp.log1p(c)


def cosine_decay(p: Number, q: Number, xp: Backend) -> Weights:
    """Falls by half a wave: `(1 + cos(pi p)) / 2 = sin(pi q / 2)^2`, and `sin(pi p / 2)^2`."""
    return xp.sin(math.pi / 2 * q) ** 2, xp.sin(math.pi / 2 * p) ** 2


def linear_decay(p: Number, q: Number, xp: Backend) -> Weights:
    """Falls by a straight line: `1 - p`, and `p`."""
    return q, p


def polynomial_decay(p: Number, q: Number, power: Number, xp: Backend) -> Weights:
    """Falls by a power of what is left: `(1 - p)^k = exp(k log(1 - p))`, and `1 - (1 - p)^k`."""
    is_over = q == 0
    late = xp.log(xp.where(is_over, 1.0, q))
    exponent = power * xp.where(p < 0.5, xp.log1p(-xp.minimum(p, 0.5)), late)
    of_start = xp.where(is_over, 0.0, xp.exp(exponent))
    return of_start, xp.where(is_over, 1.0, -xp.expm1(exponent))


def exponential_decay(p: Number, q: Number, base: Number, xp: Backend) -> Weights:
    """Falls by equal ratios: `(b^-p - b^-1) / (1 - b^-1) = b^-p (1 - b^-q) / (1 - b^-1)`.

    With `b = start / end` the value is `start^q end^p`.
    """
    log_base = xp.log(base)
    all_of_it = xp.expm1(-log_base)
    of_start = xp.exp(-p * log_base) * xp.expm1(-q * log_base) / all_of_it
    return of_start, xp.expm1(-p * log_base) / all_of_it


def one_minus_sqrt(p: Number, q: Number, xp: Backend) -> Weights:
    """Falls by a root: `1 - sqrt(p) = (1 - p) / (1 + sqrt(p))`, and `sqrt(p)`."""
    root = xp.power(p, 0.5)
    return q / (1 + root), root


def rex(p: Number, q: Number, xp: Backend) -> Weights:
    """Falls by a reflected exponential: `(1 - p) / (1 - p / 2)`, and `(p / 2) / (1 - p / 2)`."""
    return q / (1 - p / 2), p / 2 / (1 - p / 2)


def equation_4(t_cur: Number, t_i: Number, base: Number, xp: Backend) -> Weights:
    """Falls as the paper prints it: `(1 + log_b(pi T_i / T_cur)) / 2`, and 1 minus that.

    Neither weight begins or ends at 0 or 1.
    """
    log_b = xp.log(math.pi * t_i / t_cur) / xp.log(base)
    return (1 + log_b) / 2, (1 - log_b) / 2


def author_release(t: Number, length: Number, xp: Backend) -> Weights:
    """Falls as the author's code does: `(1 - ln(max(1, t)) / ln(T)) / 2`, and 1 minus that.

    Both weights begin at 1/2.
    """
    t, length = xp.maximum(t, 1.0), xp.maximum(length, 2.0)  # in a shorter cycle t is at most 1
    of_start = xp.log1p((length - t) / t) / xp.log(length) / 2
    return of_start, 1 - of_start


_NEAR = 1e-3
"""How far the ends of a user's shape may be from 1 and 0."""


def check_shape(weight_at: Callable[..., Any]) -> None:
    """Refuses a shape of the user's that does not fall from 1 to 0."""
    first = weight_at(0.0, Host)
    try:
        last = weight_at(1.0, Host)
    except (ArithmeticError, ValueError):
        last = 0.0  # which is what the cycle has there, whatever the shape
    if check.is_traced(first) or (abs(first - 1) <= _NEAR and abs(last) <= _NEAR):
        return
    way_out = "Subtract its last value, and divide by what its first value is then."
    if abs(first) <= _NEAR and abs(last - 1) <= _NEAR:
        way_out = "It rises: return 1 minus it."
    raise ValueError(
        "`shape` must be 1 at a progress of 0 and fall to 0 at a progress of 1, got "
        f"{float(first):.6g} and {float(last):.6g}. {way_out}"
    )

"""Weights of a cycle's start value, and of its end value, at a place in the cycle.

`p` is the progress through the cycle and `q` the remainder, `p + q = 1`, both in [0, 1]. They come
apart, and so do the two weights, because `1 - p` would leave few float32 digits near the ends.
"""

import math

from log_anneal._numeric import Namespace, Number


def log_decay(p: Number, q: Number, base: Number, xp: Namespace) -> tuple[Number, Number]:
    """Fast at first, then slower: `1 - log_b(1 + (b - 1) p)`, and `log_b(1 + (b - 1) p)`."""
    c = base - 1
    cp, log_base = c * p, xp.log1p(c)
    return xp.log1p(c * q / (1 + cp)) / log_base, xp.log1p(cp) / log_base


def cosine_decay(p: Number, q: Number, xp: Namespace) -> tuple[Number, Number]:
    """Half a wave: `(1 + cos(pi p)) / 2 = sin(pi q / 2)^2`, and `sin(pi p / 2)^2`."""
    return xp.sin(math.pi / 2 * q) ** 2, xp.sin(math.pi / 2 * p) ** 2


def equation_4(t_cur: Number, t_i: Number, base: Number, xp: Namespace) -> tuple[Number, Number]:
    """The paper's: `(1 + log_b(pi T_i / T_cur)) / 2`, and 1 less it. Neither ends at 0 or 1."""
    log_b = xp.log(math.pi * t_i / t_cur) / xp.log(base)
    return (1 + log_b) / 2, (1 - log_b) / 2

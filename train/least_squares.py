"""Least squares with a power-law spectrum: a problem whose expected loss is known at every step.

A linear model w learns y = x . v + e by SGD. The inputs x are Gaussian, independent along the axes,
with the variances l_i = i^-decay. The labels' noise e is Gaussian. Of the signal's variance, the
i-th axis has the share that is proportional to i^-source. The model starts at 0. A step of rate r
on a batch of b new examples changes the expected squares m_i = E[(w_i - v_i)^2] to

    m_i - 2 r l_i m_i + r^2 ((1 + 1/b) l_i^2 m_i + l_i / b (sum_j l_j m_j + noise))

The expected excess loss is sum_i l_i m_i / 2, and so the loss of any schedule is one number without
scatter, which can be differentiated through the rates. Networks have such spectra: a few steep
directions, and many flat ones.

References: Bordelon and Pehlevan 2022, arXiv:2106.02713 (SGD's exact loss on Gaussian features);
Zhang et al. 2019, arXiv:1907.04164 (the noisy quadratic as a model of training).
"""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from train.checked import Count, Strength, checked
from train.kinds import Within


@checked()
@dataclasses.dataclass(frozen=True, kw_only=True)
class LeastSquares:
    """The problem. Its losses are shares of the loss at the start, which is 1.

    Attributes:
      size: The number of axes. At least 1.
      decay: How fast the inputs' variances fall, as i^-decay. Above 0.
      source: How fast the signal's shares fall, as i^-source. Above 0.
      batch_size: The number of examples in a batch. At least 1.
      noise: The variance of the labels' noise, as a share of the signal's. At least 0.
    """

    size: Count = 256
    decay: Annotated[float, Within(above=0)] = 1.5
    source: Annotated[float, Within(above=0)] = 1.5
    batch_size: Count = 16
    noise: Strength = 0.1

    def variances(self) -> jax.Array:
        """Returns the variance of the inputs along each axis: [size]. The first one is 1."""
        return jnp.arange(1.0, self.size + 1) ** -self.decay

    def stable_rate(self) -> float:
        """Returns a rate near half of the highest at which SGD does not diverge."""
        return float(1 / (1 + self.variances().sum() / self.batch_size))

    def target(self) -> jax.Array:
        """Returns the weights that the labels are made with: [size]. The signal's variance is 1."""
        shares = jnp.arange(1.0, self.size + 1) ** -self.source
        return jnp.sqrt(shares / shares.sum() / self.variances())


def sgd_squares(
    problem: LeastSquares, noise: jax.Array | float, rates: jax.Array | np.ndarray
) -> jax.Array:
    """Returns the expected squares of what each weight misses after SGD: [size].

    Args:
      problem: its `noise` is not read.
      noise: the variance of the labels' noise. An argument, so that one program serves several.
      rates: of the steps, [steps].
    """
    variances, batch = problem.variances(), problem.batch_size

    def step(squares: jax.Array, rate: jax.Array) -> tuple[jax.Array, None]:
        of_gradients = (1 + 1 / batch) * variances**2 * squares
        of_gradients += variances / batch * (variances @ squares + noise)
        return squares - 2 * rate * variances * squares + rate**2 * of_gradients, None

    squares, _ = jax.lax.scan(step, problem.target() ** 2, jnp.asarray(rates), unroll=4)
    return squares


def sgd_loss(
    problem: LeastSquares, noise: jax.Array | float, rates: jax.Array | np.ndarray
) -> jax.Array:
    """Returns the expected excess loss after SGD, as a share of the one at the start: a scalar.

    Args:
      problem: its `noise` is not read.
      noise: the variance of the labels' noise.
      rates: of the steps, [steps].
    """
    return problem.variances() @ sgd_squares(problem, noise, rates)


def descent_loss(problem: LeastSquares, rates: jax.Array | np.ndarray) -> jax.Array:
    """Returns the excess loss after descent on the whole, noiseless problem, in closed form.

    It is a share of the loss at the start. Along each axis, a step multiplies what is left of the
    way by 1 - rate * variance.

    Args:
      problem: its `noise` and `batch_size` are not read.
      rates: of the steps, [steps].
    """
    variances = problem.variances()
    left = jnp.prod(1 - rates[:, None] * variances, axis=0)
    return variances @ (problem.target() * left) ** 2

"""A value that has the slope of something else."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


@jax.custom_jvp
def with_slope_of(whole: Any, leaf: Any) -> Any:
    """Returns a whole number in float32, with the slope of its leaf, whose value does not count."""
    return lax.convert_element_type(whole, jnp.float32)


@with_slope_of.defjvp
def _with_slope_of_jvp(primals: Any, tangents: Any) -> Any:
    return with_slope_of(*primals), lax.convert_element_type(tangents[1], jnp.float32)

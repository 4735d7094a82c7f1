"""A whole number of steps whose slope is that of its real leaf."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from log_anneal._core.steps import Number, Steps, real_of


class StepsOfLeaf(Steps):
    """A duration on the device: the whole number counts, and its leaf has the slope."""

    __slots__ = ("leaf",)

    def __init__(self, whole: Number, leaf: Number) -> None:
        self.whole = whole
        self.leaf = leaf

    @property
    def real(self) -> Number:  # type: ignore[override]
        """float32, made where it is used: a trace inside another one must not keep it."""
        return _with_slope_of(self.whole, self.leaf)


def slope_of(number: Number) -> Number:
    """Returns a number of which the slope counts alone: of a duration, its leaf."""
    real = number.leaf if isinstance(number, StepsOfLeaf) else real_of(number)
    return lax.convert_element_type(real, jnp.float32)


@jax.custom_jvp
def _with_slope_of(whole: Any, leaf: Any) -> Any:
    return lax.convert_element_type(whole, jnp.float32)


@_with_slope_of.defjvp
def _with_slope_of_jvp(primals: Any, tangents: Any) -> Any:
    return _with_slope_of(*primals), lax.convert_element_type(tangents[1], jnp.float32)

"""Takes the arrays out of the state of a live schedule."""

from typing import Any

import jax
import numpy as np

from log_anneal._core import check
from log_anneal._optim import flax_variables


def bare(tree: Any) -> Any:
    """Takes the arrays out of the variables of NNX, whose optimizer wraps every array in one."""
    return jax.tree.map(flax_variables.bare, tree, is_leaf=flax_variables.is_variable)


def known(name: str, state: Any) -> Any:
    """Returns the state as NumPy's arrays; refuses one that is traced, and a stack."""
    step, table = bare(state)
    refuse_abstract(name, table)
    if check.is_traced(table):
        raise TypeError(
            f"`{name}` must be known, and is traced. Call this outside of the traced function, with"
            " the state that it returns."
        )
    if np.ndim(step):
        raise ValueError(
            f"`{name}` must be a single one, got a stack of shape {np.shape(step)}. "
            "Take one of it: `jax.tree.map(lambda leaf: leaf[0], opt_state)`."
        )
    return type(state)(*jax.device_get((step, table)))


def refuse_abstract(name: str, leaf: Any) -> None:
    """Refuses a state of shapes alone, as `jax.eval_shape` makes it."""
    if not check.is_array(leaf):
        raise TypeError(
            f"`{name}` must hold arrays, got {check.cut(leaf)}. Restore or initialize the state "
            "first: `jax.eval_shape` makes shapes without values."
        )

"""The variables of Flax NNX in a pytree, found without importing Flax."""

import sys
from typing import Any


def is_variable(node: object) -> bool:
    """Tells whether a node is an `nnx.Variable`: one array, and a level of its own in a path."""
    return isinstance(node, getattr(sys.modules.get("flax.nnx"), "Variable", ()))


def bare(node: Any) -> Any:
    """Returns what a variable holds; anything else stays as it is."""
    return node.get_value() if is_variable(node) else node

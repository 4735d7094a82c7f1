"""Variables of Flax NNX in a pytree, told apart without importing Flax."""

import sys
from typing import Any


def is_variable(node: object) -> bool:
    """Whether it is an `nnx.Variable`: one array, and a level of its own in a path."""
    return isinstance(node, getattr(sys.modules.get("flax.nnx"), "Variable", ()))


def bare(node: Any) -> Any:
    """What a variable holds; anything else as it is."""
    return node.get_value() if is_variable(node) else node

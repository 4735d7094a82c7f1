"""The type of a network's computation."""

import jax

DTYPES = ("auto", "float32", "bfloat16")
"""The choices of `ModelConfig.dtype`."""


def dtype_of(given: str) -> str:
    """Returns the type of the computation, where `auto` is what suits the device."""
    if given != "auto":
        return given
    return "float32" if jax.default_backend() == "cpu" else "bfloat16"

"""A function as a person would write it."""

import functools
from typing import Any


def call(value: Any) -> str:
    """Returns a function as a person would write it, without its address in memory."""
    if isinstance(value, functools.partial):
        named = (f"{name}={call(each)}" for name, each in value.keywords.items())
        return f"partial({', '.join([*map(call, (value.func, *value.args)), *named])})"
    if callable(value) and hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    own_repr: Any = type(value).__repr__
    return f"{type(value).__qualname__}(...)" if own_repr is object.__repr__ else repr(value)

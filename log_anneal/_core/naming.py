"""Where a name is said to come from: a public module, and never the file that it is in."""

from collections.abc import Mapping
from types import FunctionType


def name_publicly(module: str, named: Mapping[str, object]) -> None:
    """Lets classes and functions say that they come from a public module.

    A pickle names a class by its module. With the public one it still loads after a file has moved,
    and `repr`, `help` and messages show what a user imports.

    Args:
      module: the name of the public module, in which each of them can be found.
      named: classes and functions by their names there. Other objects are left alone.
    """
    for name, each in named.items():
        if not isinstance(each, (type, FunctionType)):
            continue
        each.__module__ = module
        if name.startswith("_"):
            each.__name__ = each.__qualname__ = name  # YAML takes the one, a pickle the other
        if "__firstlineno__" in vars(each):  # Python 3.13 would look for it in the public file
            delattr(each, "__firstlineno__")

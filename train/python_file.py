"""Runs a Python file of the user's own, such as a configuration."""

import contextlib
import hashlib
import linecache
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def run_file(path: Path) -> dict[str, Any]:
    """Runs a file as a module of its own, and returns what it defines.

    The module is registered, as that of an import is: the annotations and the source of a class of
    the user's own are looked up there. Its name ends with a digest, so that it hides no other one.

    Args:
      path: the file, which exists.

    Raises:
      Exception: whatever the file raises.
    """
    digest = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:8]
    module = types.ModuleType(f"{path.stem}_{digest}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    linecache.checkcache(str(path))  # the file may have changed since it ran last
    exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    return vars(module)


@contextlib.contextmanager
def neighbours_of(path: Path) -> Iterator[None]:
    """Lets a file import what lies beside it, as a variant imports what it is derived from."""
    sys.path.insert(0, str(path.absolute().parent))
    try:
        yield
    finally:
        sys.path.pop(0)

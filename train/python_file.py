"""Finds and runs a Python file of the user's own, such as a configuration."""

import contextlib
import difflib
import hashlib
import linecache
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.errors import UserError


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
    # A configuration is a program of its user, and may do what that user may: see SECURITY.md.
    exec(compile(path.read_bytes(), str(path), "exec"), vars(module))  # noqa: S102
    return vars(module)


@contextlib.contextmanager
def neighbours_of(path: Path) -> Iterator[None]:
    """Lets a file import what lies beside it, as a variant imports what it is derived from."""
    sys.path.insert(0, str(path.absolute().parent))
    try:
        yield
    finally:
        sys.path.pop(0)


def check_file(name: str, path: Path) -> None:
    """Refuses a path that leads to no file, with the nearest one that is there.

    Args:
      name: of the argument.
      path: the path.

    Raises:
      UserError: it leads to no file.
    """
    if path.is_file():
        return
    folder = path if path.is_dir() else path.absolute().parent
    what = "a folder" if path.is_dir() else "not there"
    meant = None if path.is_dir() else nearest(path)
    if meant is not None and meant.is_file():
        hint = f"Did you mean {meant if meant.parent != path.parent else meant.name}?"
    elif folder.is_dir():
        files = sorted(file.name for file in folder.glob("*.py"))
        hint = f"In that folder there are: {', '.join(files) or 'none'}."
    else:
        hint = f"Its folder {path.parent} is not there either."
    raise UserError(f"`{name}` must be a Python file, got {path}, which is {what}. {hint}")


def nearest(path: Path) -> Path | None:
    """Returns the path that is there and is nearest to one that is not; None: none is near.

    Each part of it may be misspelt: `config/quickstat.py` leads to `configs/quickstart.py`.

    Args:
      path: a path that leads nowhere.
    """
    found = Path(path.anchor)
    for part in path.relative_to(path.anchor).parts:
        if not (found / part).exists():
            names = sorted(os.listdir(found)) if found.is_dir() else []
            near = difflib.get_close_matches(part, names, 1)
            if not near:
                return None
            part = near[0]
        found /= part
    return found

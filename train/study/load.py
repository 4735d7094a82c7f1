"""Runs configuration files, and returns what their functions give."""

import dataclasses
import hashlib
import linecache
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import jax

from train.changes import changed
from train.config import Config
from train.errors import UserError, did_you_mean
from train.study import Size, Study

_Given = TypeVar("_Given")


def load(path: Path) -> Config:
    """Returns the Config that a file's `get_config()` gives.

    Raises:
      UserError: there is no such file, or it does not give a Config.
    """
    return _call(path, "get_config", (), Config, "configs/quickstart.py")


def load_study(path: Path, size: Size) -> Study:
    """Returns the Study that a file's `get_study(size)` gives.

    Raises:
      UserError: there is no such file, or it does not give a Study.
    """
    return _call(path, "get_study", (size,), Study, "configs/study_experiment1.py")


def prepare_study(path: Path, size: Size, data_dir: str | None) -> Study:
    """Returns the study of a file, ready to be run. It uses no device.

    Args:
      path: the study's file.
      size: the size of its runs.
      data_dir: the folder where TensorFlow Datasets keeps its data; None: as the study says.

    Raises:
      UserError: the file does not give a study.
    """
    study = load_study(path, size)
    if data_dir is not None:
        study = dataclasses.replace(study, base=changed(study.base, {"data_dir": data_dir}))
    if study.base.cpu_devices > 1:
        jax.config.update("jax_num_cpu_devices", study.base.cpu_devices)
    return study


def _run(path: Path) -> dict[str, Any]:
    """Runs a file as a module of its own, and returns what it defines.

    The module is registered, as that of an import is: the annotations and the source of a class of
    the user's own are looked up there. Its name ends with a digest, so that it hides no other one.
    """
    digest = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:8]
    module = types.ModuleType(f"{path.stem}_{digest}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    linecache.checkcache(str(path))  # the file may have changed since it ran last
    # A configuration is a program of its user's, and may do what that user may: see SECURITY.md.
    exec(compile(path.read_bytes(), str(path), "exec"), vars(module))  # noqa: S102
    return vars(module)


def _call(
    path: Path, function: str, arguments: tuple[Any, ...], kind: type[_Given], example: str
) -> _Given:
    if not path.is_file():
        files = sorted(file.name for file in path.absolute().parent.glob("*.py"))
        meant = did_you_mean(path.name, files)
        raise UserError(
            f"`{kind.__name__.lower()}` must be a Python file, got {path}, which is not there. "
            + (meant or f"In that folder there are: {', '.join(files) or 'none'}.")
        )
    # The folder must be on the path: a variant imports the configuration that it is derived from.
    sys.path.insert(0, str(path.absolute().parent))
    try:
        defined = _run(path)
        get: Callable[..., Any] | None = defined.get(function)
        given = get(*arguments) if callable(get) else None
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
                 if frame.filename == str(path)]  # fmt: skip
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        prefix = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise UserError(f"{where}: {prefix}{error}") from error
    finally:
        sys.path.pop(0)

    if not isinstance(given, kind):
        other = {
            "get_study": f"python -m train study {path} --size smoke",
            "get_config": f"python -m train {path}",
        }
        hint = [f"It is for `{command}`." for name, command in other.items() if name in defined]
        raise UserError(
            f"`{kind.__name__.lower()}` must define `{function}({'size' if arguments else ''})` "
            f"that returns a `{kind.__module__}.{kind.__name__}`, got {path}. "
            f"{hint[0] if hint else f'See {example}.'}"
        )
    return given

"""Every schedule's name that a library has, with its arguments and their defaults.

    python benchmarks/peer_names.py tests/peer_names.json

writes those of the libraries that are installed; the file keeps the others. The tests hold
`compat` to it: each name is there or in the table of those that are not, with the same arguments.
"""

import importlib
import inspect
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import peers

from log_anneal.compat.library import LIBRARIES

NO_DEFAULT = "(none)"


def names(library: str, module: ModuleType) -> list[str]:
    """The public names of a library's module."""
    if library == "transformers":
        from transformers.trainer_utils import SchedulerType

        functions = [
            name for name in vars(module) if name.startswith("get_") and "schedule" in name
        ]
        return sorted({*functions, *(each.value for each in SchedulerType)})
    public = getattr(module, "__all__", None) or [
        name
        for name, each in vars(module).items()
        if not name.startswith("_") and not isinstance(each, ModuleType)
    ]
    return sorted(public)


def arguments(library: str, name: str, module: ModuleType) -> dict[str, Any]:
    """The arguments of one, with their defaults; of a short name, those of its function."""
    if library == "transformers" and not name.startswith("get_"):
        function = module.TYPE_TO_SCHEDULER_FUNCTION[name]
    else:
        function = getattr(module, name)
    parameters = inspect.signature(function).parameters.values()
    return {
        each.name: NO_DEFAULT if each.default is each.empty else each.default
        for each in parameters
        if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    }


def main() -> None:
    """Writes the file anew, where a library is installed."""
    path = Path(sys.argv[1])
    kept = json.loads(path.read_text()) if path.exists() else {}
    for library, ours in LIBRARIES.items():
        release = peers.release(library)
        if not release:
            print(f"skipped: {library} is not installed. What the file has of it stays.")
            continue
        module = importlib.import_module(ours.where)
        found = names(library, module)
        kept[library] = {
            "release": release,
            "names": found,
            "arguments": {
                name: arguments(library, name, module) for name in found if name in ours.peers
            },
        }
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

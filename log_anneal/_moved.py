"""Pickles that were made before the files of the library moved.

They name the private file that a class was in, `log_anneal._clr` for example. Python asks the last
of its finders for a module that no other finds: the one below answers for those files, with a
module that holds what a pickle may look for there. Pickles made today name `log_anneal` itself.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

FILES = (
    "_arithmetic",
    "_chain",
    "_classic",
    "_clr",
    "_compat_others",
    "_cyclical",
    "_cyclical_log",
    "_cyclical_shapes",
    "_decay",
    "_function",
    "_groups",
    "_json",
    "_live",
    "_nested",
    "_numeric",
    "_one_cycle",
    "_schedule",
    "_smith",
    "_stack",
    "_suggest",
    "_swap",
    "_sweep",
    "_table",
    "_tabulated",
    "_time",
    "_warmup_stable_decay",
    "_where",
)
"""The files of before, except `_range_test`, which is a package now and has the class itself."""


class MovedFiles(MetaPathFinder, Loader):
    """Finds the files of before.

    Args:
      public: what each of them holds: every public name of the library.
      private: what some of them hold besides, by file and by name.
    """

    def __init__(
        self, public: Mapping[str, object], private: Mapping[str, Mapping[str, object]]
    ) -> None:
        self._held = {f"log_anneal.{file}": {**public, **private.get(file, {})} for file in FILES}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answers for the files of before alone."""
        return spec_from_loader(fullname, self) if fullname in self._held else None

    def exec_module(self, module: ModuleType) -> None:
        """Fills the module."""
        vars(module).update(self._held[module.__name__])


def install(public: Mapping[str, object], private: Mapping[str, Mapping[str, object]]) -> None:
    """Adds the finder as the last of Python's."""
    sys.meta_path.append(MovedFiles(public, private))

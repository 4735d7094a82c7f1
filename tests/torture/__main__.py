"""Tries what a run promises, part by part.

    python -m tests.torture
    python -m tests.torture --part kills damage --share 0.1

Each part has a seed and a folder of its own. A whole part, of share 1, keeps its figures in
`docs/reliability.json`, of which `docs/reliability.md` is made. The exit code is 1 where a promise
was broken.
"""

import argparse
import importlib
import math
import pkgutil
import shlex
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # parts import what the tests share, by its own name

from tests.torture import page  # noqa: E402
from train.folder.origin import origin, today  # noqa: E402


def parts() -> Mapping[str, ModuleType]:
    """Returns the parts by their names, in the order of the alphabet."""
    names = (module.name for module in pkgutil.iter_modules([str(HERE)]))
    found = {
        name: importlib.import_module(f"tests.torture.{name}")
        for name in names
        if not name.startswith("_")
    }
    return {name: module for name, module in found.items() if hasattr(module, "COUNT")}


def tried(name: str, part: ModuleType, share: float, seed: int) -> dict[str, Any]:
    """Tries a part, and returns its figures and how long it took.

    Args:
      name: of the part.
      part: its module.
      share: the share of its whole number that is tried, at least once.
      seed: of all parts; each draws by its own name besides.
    """
    count = max(1, math.ceil(share * part.COUNT))
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"torture_{name}_") as folder:
        figures = part.torture(random, Path(folder), count)
    seconds = round(time.monotonic() - began, 1)
    return {"claim": part.CLAIM, "count": count, "figures": figures, "seconds": seconds}


def main(argv: Sequence[str]) -> int:
    """Tries the parts that are asked for; see the module's docstring."""
    every = parts()
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=sorted(every), metavar="NAME",
                        help=f"some of {', '.join(every)}; default: all")  # fmt: skip
    parser.add_argument(
        "--share", type=float, default=1.0, help="the share of each part's whole number; default: 1"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    asked = parser.parse_args(argv)
    if not 0 < asked.share <= 1:
        parser.error(f"`--share` must be above 0 and at most 1, got {asked.share}")

    command = shlex.join(["python", "-m", "tests.torture", *argv])
    broken = []
    for name in asked.part or every:
        try:
            result = tried(name, every[name], asked.share, asked.seed)
        except Exception:  # a part runs the whole trainer, which may raise anything
            broken.append(name)
            traceback.print_exc()
            print(f"{name}: BROKEN", flush=True)
            continue
        said = ", ".join(f"{key} {value}" for key, value in result["figures"].items())
        print(f"{name}: held, {result['seconds']} s: {said}", flush=True)
        if asked.share == 1:
            page.keep(name, result | origin() | {"date": str(today()), "command": command})
    print(f"broken: {', '.join(broken)}" if broken else "all promises held")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

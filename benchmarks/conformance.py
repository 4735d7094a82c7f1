"""Other libraries' schedulers beside ours: boundaries that are wrong, and steps that differ.

    python benchmarks/conformance.py
    python benchmarks/conformance.py --steps wrong.jsonl
    KERAS_BACKEND=jax python benchmarks/conformance.py

Restarts: of every interval with every multiplier, each boundary below 2^31 and the step before it,
against exact fractions. Wrong is a value over 1 % of the range from the exact one: where a boundary
is missed by a step it is 100 %. Curves: each scheduler run from its first step, against ours. A
peer that is not installed is left out. `--steps` writes which boundaries are wrong, one a line.
"""

import argparse
import datetime
import json
import math
import os
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import beside
import numpy as np
import peers
import restarts
from peers import Values

# fmt: off
INTERVALS = (1, 2, 3, 5, 7, 10, 11, 25, 30, 49, 50, 64, 97, 100, 128, 195, 243, 256, 391, 500, 782,
             1000, 1024, 1251, 1563, 1875, 2500, 3125, 3910, 5000, 5004, 5005)
# fmt: on
WHOLE = tuple(range(2, 11))
MULTIPLIERS = (*WHOLE, 1.1, 1.5, 0.5)
END = 2**31
TOLERANCE = 0.01


class Boundary(NamedTuple):
    """A restart: its step, and the exact weight there and one step before."""

    step: int
    at: float
    before: float


def boundaries(interval: int, multiplier: float) -> list[Boundary]:
    """Every restart below 2^31 of cycles of at least one step, in exact fractions."""
    ratio = Fraction(str(multiplier))
    start, length = Fraction(0), Fraction(interval)
    found = []
    while length * ratio >= 1:
        following = start + length
        step = math.ceil(following)
        if step >= END:
            break
        at = _cosine((step - following) / (length * ratio))
        found.append(Boundary(step, at, _cosine((step - 1 - start) / length)))
        start, length = following, length * ratio
    return found


def _cosine(progress: Fraction) -> float:
    return (1 + math.cos(math.pi * float(progress))) / 2


RESTARTS: dict[str, tuple[str | None, Callable[..., Values], Sequence[float]]] = {
    "log_anneal, host": (None, restarts.ours, MULTIPLIERS),
    "log_anneal, device": (None, restarts.ours_on_device, MULTIPLIERS),
    "torch CosineAnnealingWarmRestarts.step(epoch)": ("torch", restarts.torch, WHOLE),
    "timm CosineLRScheduler": ("timm", restarts.timm, MULTIPLIERS),
    "keras CosineDecayRestarts": ("keras", restarts.keras, MULTIPLIERS),
    "keras CosineDecayRestarts, float64": (
        "keras",
        partial(restarts.keras, floatx="float64"),
        MULTIPLIERS,
    ),
    "pytorch_optimizer CosineAnnealingWarmupRestarts": (
        "pytorch_optimizer",
        restarts.pytorch_optimizer,
        WHOLE,
    ),
    "abhuse CyclicCosineDecayLR": (None, peers.cyclic_cosine_decay, MULTIPLIERS),
}


class Wrong(NamedTuple):
    """A boundary that a peer has wrong."""

    interval: int
    multiplier: float
    step: int
    how: str


def wrong(peer: Callable[..., Values], interval: int, multiplier: float) -> Iterator[Wrong]:
    """The boundaries at which the peer is late, early, off, or gives no number."""
    exact = boundaries(interval, multiplier)
    steps = [step for boundary in exact for step in (boundary.step, boundary.step - 1)]
    values = peer(steps, interval, multiplier) if steps else np.zeros(0)
    for boundary, at, before in zip(exact, values[::2], values[1::2], strict=True):
        if not math.isfinite(at) or not math.isfinite(before):
            how = "no number"
        elif abs(at - boundary.at) > TOLERANCE:
            how = "late" if at < TOLERANCE else "off"
        elif abs(before - boundary.before) > TOLERANCE:
            how = "early" if before > 1 - TOLERANCE else "off"
        else:
            continue
        yield Wrong(interval, multiplier, boundary.step, how)


def print_restarts(path: str | None) -> None:
    """A table of the wrong boundaries; all of them, one a line, in a file."""
    print("| restarts | boundaries | wrong | late | early | off | no number | the first |")
    print("|---|---|---|---|---|---|---|---|")
    lines = []
    for name, (package, peer, multipliers) in RESTARTS.items():
        if package and not peers.release(package):
            continue
        grid = [(interval, each) for interval in INTERVALS for each in multipliers]
        count = sum(len(boundaries(*each)) for each in grid)
        found = [each for place in grid for each in wrong(peer, *place)]
        of = Counter(each.how for each in found)
        columns = " | ".join(f"{of[how]:,}" for how in ("late", "early", "off", "no number"))
        first = min(found, key=lambda each: each.step, default=None)
        where = f"{first.interval} x {first.multiplier}: step {first.step:,}" if first else ""
        print(f"| {name} | {count:,} | {len(found):,} | {columns} | {where} |", flush=True)
        lines += [json.dumps({"peer": name} | each._asdict()) for each in found]
    if path:
        Path(path).write_text("".join(f"{line}\n" for line in lines))


def main() -> None:
    """Prints the date, the versions and the two tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", help="write the wrong boundaries here, as JSON lines")
    arguments = parser.parse_args()
    packages = "jax", "torch", "timm", "keras", "pytorch_optimizer"
    found = ", ".join(f"{name} {peers.release(name) or 'missing'}" for name in packages)
    print(f"{datetime.date.today()}, Python {platform.python_version()}, {found}")
    print(f"Keras's backend: {os.environ['KERAS_BACKEND']}\n")
    print_restarts(arguments.steps)
    print()
    beside.print_curves()


if __name__ == "__main__":
    main()

"""Every schedule of `compat` beside the library's own, with arguments at random.

    python benchmarks/peer_differences.py
    python benchmarks/peer_differences.py --cases 100 --seed 7 --library timm
    python benchmarks/peer_differences.py --keep tests/golden/peers

Each case is 240 steps, in float64, and at each of them ours is held to theirs: to a relative error
of 1e-9 of the largest rate of the curve. It prints a row for each name, with the largest error of
its cases; and what differs, with the arguments, so that one line shows it again. A library that is
not installed is skipped, and said to be. `--keep` writes a curve of each name, made by the library,
which the tests hold ours to where the library is not installed.
"""

import argparse
import importlib
import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np
import peers
from peer_cases import CASES, Arguments, Draw
from peers import Values

from log_anneal import Schedule, compat
from log_anneal.compat.library import LIBRARIES
from log_anneal.compat.transformers import GET_SCHEDULER

NUM_STEPS = 240
ONE_STEP = (
    "cosine_onecycle_schedule",
    "linear_onecycle_schedule",
    "piecewise_interpolate_schedule",
    "polynomial_schedule",
)
"""Those of Optax that take one step, and no array of them. Of an array the last fraction of the
polynomial is 1 - 49 * (1 / 49), which is not 0, and to the power of 0.3 is 8e-6 of the rate."""

TOLERANCE = 1e-9


class Result(NamedTuple):
    """One case."""

    arguments: Arguments
    error: float
    """The largest difference, divided by the largest rate."""
    step: int
    """Where it is."""
    theirs: float
    ours: float


def ours(library: str, name: str, arguments: Arguments) -> Schedule:
    """Builds our schedule from the drawn arguments."""
    if name == "join_schedules":
        parts = [ours(library, *part) for part in arguments["schedules"]]
        arguments = arguments | {"schedules": parts}
    build = getattr(compat, LIBRARIES[library].builder)
    return build(name, **arguments)


def theirs(library: str, name: str, arguments: Arguments) -> Values:
    """Runs the library's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return globals()[f"_{library}"](name, dict(arguments))


def _torch(name: str, arguments: Arguments, field: str = "lr") -> Values:
    held = peers.optimizer(arguments.get("base_lr", 0.1))
    return peers.stepped(NUM_STEPS, held, _torch_scheduler(held, name, arguments), field)


def _torch_scheduler(held: Any, name: str, arguments: Arguments) -> Any:
    import torch

    arguments = {key: value for key, value in arguments.items() if key != "num_steps"}
    if name != "CyclicLR":
        arguments.pop("base_lr", None)
    if "schedulers" in arguments:
        parts = [_torch_scheduler(held, *part) for part in arguments["schedulers"]]
        arguments["schedulers"] = parts
        if name == "ChainedScheduler":
            return torch.optim.lr_scheduler.ChainedScheduler(parts)
    return getattr(torch.optim.lr_scheduler, name)(held, **arguments)


def _keras(name: str, arguments: Arguments) -> Values:
    return peers.keras_schedule(name, range(NUM_STEPS), **arguments)


def _timm(name: str, arguments: Arguments) -> Values:
    held = peers.optimizer(arguments.pop("base_lr"))
    scheduler = getattr(importlib.import_module("timm.scheduler"), name)(held, **arguments)
    values = np.empty(NUM_STEPS)
    for step in range(NUM_STEPS):
        scheduler.step(step)
        values[step] = held.param_groups[0]["lr"]
    return values


def _optax(name: str, arguments: Arguments) -> Values:
    import optax

    def made(name: str, arguments: Arguments) -> Any:
        if name == "join_schedules":
            arguments = arguments | {"schedules": [made(*part) for part in arguments["schedules"]]}
        return getattr(optax.schedules, name)(**arguments)

    with jax.enable_x64(True):
        schedule = made(name, arguments)
        if name in ONE_STEP:
            return np.array([float(schedule(step)) for step in range(NUM_STEPS)])
        return np.broadcast_to(schedule(jax.numpy.arange(NUM_STEPS)), NUM_STEPS)


def _transformers(name: str, arguments: Arguments) -> Values:
    from transformers import optimization

    held = peers.optimizer(arguments.pop("base_lr"))
    if name.startswith("get_"):
        return peers.stepped(NUM_STEPS, held, getattr(optimization, name)(held, **arguments))
    common = {key: arguments.pop(key, None) for key in ("num_warmup_steps", "num_training_steps")}
    scheduler = optimization.get_scheduler(
        name, held, **common, scheduler_specific_kwargs=arguments
    )
    return peers.stepped(NUM_STEPS, held, scheduler)


def compared(library: str, name: str, seed: int, cases: int) -> Iterator[Result]:
    """Runs the cases of one name. Where theirs has no number, there is nothing to compare."""
    for case in range(cases):
        arguments = CASES[library][name](Draw(seed + case))
        expected = theirs(library, name, arguments)
        yield _worst(arguments, usable(name, expected), expected, ours(library, name, arguments))


def compared_momentum(name: str, seed: int, cases: int) -> Iterator[Result]:
    """The same of the momentum that PyTorch moves."""
    for case in range(cases):
        arguments = CASES["torch"][name](Draw(seed + case))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = _torch(name, arguments, "momentum")
        steps = usable(name, expected)
        yield _worst(arguments, steps, expected, compat.torch_momentum(name, **arguments))


def usable(name: str, values: Values) -> Any:
    """The steps at which a library has a number, but OneCycleLR's one step past its end."""
    steps = np.flatnonzero(np.isfinite(values))
    return steps[:-1] if name == "OneCycleLR" and len(steps) < NUM_STEPS else steps


def _worst(arguments: Arguments, steps: Any, expected: Values, schedule: Schedule) -> Result:
    found = np.asarray(schedule.at(steps))
    errors = np.abs(found - expected[steps]) / np.abs(expected[steps]).max()
    worst = int(np.argmax(errors))
    step = int(steps[worst])
    return Result(arguments, float(errors[worst]), step, expected[step], float(found[worst]))


def rows(only: str | None, seed: int, cases: int) -> Iterator[tuple[str, list[Result]]]:
    """The results of every name of every library that is installed."""
    for library, names in CASES.items():
        if only not in (None, library):
            continue
        if not peers.release(library):
            print(f"skipped: {library} is not installed. Install it beside log_anneal.")
            continue
        for name in names:
            yield f"{library} `{name}`", list(compared(library, name, seed, cases))
        if library == "torch":
            for name in ("CyclicLR", "OneCycleLR"):
                yield f"torch `{name}`, momentum", list(compared_momentum(name, seed, cases))


def keep(folder: Path) -> None:
    """Writes one curve of the library's own for each name whose arguments JSON can hold.

    Optax is always installed, so that the tests run it. A short name of transformers has the
    function that another name has.
    """
    for library in ("torch", "keras", "timm", "transformers"):
        names = set(CASES[library]) - GET_SCHEDULER.keys() if peers.release(library) else ()
        for name in sorted(names):
            arguments = CASES[library][name](Draw(42))
            if "lr_lambda" in str(arguments) or callable(arguments.get("decay_fn")):
                continue
            values = theirs(library, name, arguments)
            curve = {
                "source": f"{library} {peers.release(library)}",
                "params": arguments,
                "values": values[usable(name, values)].tolist(),
            }
            (folder / f"{library}-{name}.json").write_text(json.dumps(curve) + "\n")


def main() -> None:
    """Prints a row for each name, and what differs. Exits with 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cases", type=int, default=30, help="how many of each name")
    parser.add_argument("--seed", type=int, default=0, help="of the first of them")
    parser.add_argument("--library", choices=list(CASES), help="this one alone")
    parser.add_argument("--keep", type=Path, help="write a curve of each name into this folder")
    chosen = parser.parse_args()
    if chosen.keep:
        keep(chosen.keep)
        return
    versions = ", ".join(f"{name} {peers.release(name) or 'missing'}" for name in CASES)
    print(f"{versions}; {chosen.cases} cases of each name, {NUM_STEPS} steps\n")
    print("| schedule | cases | that differ | largest error |")
    print("|---|---|---|---|")
    wrong: list[tuple[str, Result]] = []
    count = 0
    for title, results in rows(chosen.library, chosen.seed, chosen.cases):
        differ = [each for each in results if not each.error <= TOLERANCE]
        wrong += [(title, each) for each in differ]
        count += len(results)
        largest = max(each.error for each in results)
        print(f"| {title} | {len(results)} | {len(differ)} | {largest:.1e} |", flush=True)
    print(f"\n{count:,} cases, {len(wrong)} differ")
    for title, each in wrong[:40]:
        print(
            f"{title}: step {each.step}: theirs {each.theirs}, ours {each.ours}: {each.arguments}"
        )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

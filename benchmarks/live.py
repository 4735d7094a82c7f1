"""What a live schedule costs beside the same schedule given to the optimizer as it is.

    python benchmarks/live.py

First an update: SGD on one small array, and on 48 groups, each with a schedule of its own; jitted,
its state donated. Then the rate alone, in a scan of 20,000 steps: of a plain cycle, and of one that
grows by 5 %, each as a constant, as an argument of the program, and out of a live state. The
candidates take turns in one process, and a ratio is the median of the ratios of the turns. Times
are those of the CPU.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import optax

import log_anneal as la

GROUPS = 48
CYCLE = {"peak_value": 0.1, "end_value": 0.001, "decay_steps": 100, "restart_steps": 100}
PLAIN = la.cyclical_cosine_schedule(**CYCLE)
GROWING = la.cyclical_cosine_schedule(**CYCLE, restart_multiplier=1.05)
SCAN_STEPS = 20_000
SIZES = 2, 1024
"""Numbers in a group. Where no array is above 512 bytes, XLA runs a program on the CPU without its
queue of tasks; a live table is above, so that it costs most beside arrays of two numbers."""

Run = Callable[[], None]


def sgd(learning_rate: Any) -> optax.GradientTransformation:
    """Returns SGD with a schedule among its hyperparameters."""
    return optax.inject_hyperparams(optax.sgd)(learning_rate=learning_rate)


def of_groups(learning_rate: Callable[[], Any], names: list[str]) -> optax.GradientTransformation:
    """Returns an optimizer that gives each array a schedule of its own."""
    return optax.partition({name: sgd(learning_rate()) for name in names}, {n: n for n in names})


def updates(optimizer: optax.GradientTransformation, params: Any, turns: int) -> Run:
    """Returns what makes so many updates, one call of the program each."""
    update = jax.jit(optimizer.update, donate_argnums=1)
    state = optimizer.init(params)

    def run() -> None:
        nonlocal state
        for _ in range(turns):
            found, state = update(params, state)
        jax.block_until_ready(found)

    return run


def scanned(rate: Callable[..., jax.Array], *arguments: Any) -> Run:
    """Returns what adds up the rates of many steps in one program."""

    def add(*arguments: Any) -> jax.Array:
        def body(total: jax.Array, step: jax.Array) -> tuple[jax.Array, None]:
            return total + rate(step, *arguments), None

        return jax.lax.scan(body, jnp.float32(0), jnp.arange(SCAN_STEPS))[0]

    program = jax.jit(add)
    return lambda: jax.block_until_ready(program(*arguments))


def scanned_live(schedule: la.Schedule) -> Run:
    """Returns what adds up the rates of a live state, which goes a step further in each turn."""
    own = la.live(schedule)

    def add(state: la.LiveState) -> jax.Array:
        def body(carry: Any, _: None) -> tuple[Any, None]:
            total, state = carry
            return (total + own(state), own.update(state)), None

        return jax.lax.scan(body, (jnp.float32(0), state), length=SCAN_STEPS)[0][0]

    program, state = jax.jit(add), own.init()
    return lambda: jax.block_until_ready(program(state))


def times(candidates: Mapping[str, Run], turns: int) -> dict[str, list[float]]:
    """Returns the CPU seconds of each candidate, which take turns."""
    found: dict[str, list[float]] = {name: [] for name in candidates}
    for run in candidates.values():
        run()
    for _ in range(turns):
        for name, run in candidates.items():
            begin = time.process_time()
            run()
            found[name].append(time.process_time() - begin)
    return found


def show(title: str, candidates: Mapping[str, Run], turns: int, per: int, unit: str) -> None:
    """Prints a table: the time of each candidate, and its ratio to the first."""
    found = times(candidates, turns)
    first = next(iter(found.values()))
    print(f"\n{title}:\n\n| schedule | {unit} | ratio |\n|---|---|---|")
    for name, each in found.items():
        ratio = statistics.median(own / other for own, other in zip(each, first, strict=True))
        print(f"| {name} | {statistics.median(each) / per * _PER_SECOND[unit]:.1f} | {ratio:.2f} |")


_PER_SECOND = {"us": 1e6, "ns": 1e9}


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--turns", type=int, default=15)
    turns = parser.parse_args().turns
    one, names = {"w": jnp.ones(2)}, [f"w{index}" for index in range(GROUPS)]
    kinds = {
        "plain cycle": lambda: PLAIN,
        "plain cycle, live": lambda: la.live(PLAIN),
        "growing cycle": lambda: GROWING,
        "growing cycle, live": lambda: la.live(GROWING),
        "optax's cosine": lambda: optax.cosine_decay_schedule(0.1, 100),
    }
    print(f"jax {jax.__version__}, {platform.machine()}, {os.cpu_count()} cores")
    single = {name: updates(sgd(kind()), one, 500) for name, kind in kinds.items()}
    show("An update of one array", single, turns, 500, "us")
    for size in SIZES:
        several = {name: jnp.ones(size) for name in names}
        pair = list(kinds.items())[:2]
        grouped = {name: updates(of_groups(kind, names), several, 50) for name, kind in pair}
        show(f"An update of {GROUPS} groups of {size:,} numbers", grouped, turns, 50, "us")
    rates = {"plain cycle, constant": scanned(lambda step: PLAIN(step))}
    rates["growing cycle, constant"] = scanned(lambda step: GROWING(step))
    for name, schedule in {"plain": PLAIN, "growing": GROWING}.items():
        rates[f"{name} cycle, argument"] = scanned(lambda step, own: own(step), schedule)
        rates[f"{name} cycle, live"] = scanned_live(schedule)
    show("The rate alone, a step of a scan", rates, turns, SCAN_STEPS, "ns")


if __name__ == "__main__":
    main()

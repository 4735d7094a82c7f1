"""Size, compile time and evaluation time of a schedule with many restarts, beside optax's.

    python benchmarks/schedules.py

Ours is `cyclical_cosine_schedule`, theirs `optax.sgdr_schedule`, for the same curve; a third has
cycles that grow by 1 %, each of them a row of our table, which then has 2048 in place of 512. They
take turns in one process. A time to compile is the median of the turns, one of evaluation the
median over the turns of the quickest of five. Evaluation is inside a scan, on the CPU. Ratios are
optax's over ours. A second table has the microseconds of `schedule.at(step)`, on the host, for one
schedule of each class.
"""

import argparse
import os
import platform
import statistics
import sys
import time
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
import optax

import log_anneal as la

CYCLE_STEPS = 100
GROWTH = 1.01
EVALUATIONS = 2000


def ours(multiplier: float = 1.0) -> optax.Schedule:
    """As many cycles as int32 steps hold."""
    return la.cyclical_cosine_schedule(
        peak_value=0.1,
        end_value=0.001,
        decay_steps=CYCLE_STEPS,
        restart_steps=CYCLE_STEPS,
        restart_multiplier=multiplier,
    )


def theirs(cycles: int) -> optax.Schedule:
    """The same curve, for as many cycles as it is told."""
    cycle = {
        "init_value": 0.1,
        "peak_value": 0.1,
        "warmup_steps": 0,
        "decay_steps": CYCLE_STEPS,
        "end_value": 0.001,
    }
    return optax.sgdr_schedule([cycle] * cycles)


def equations(jaxpr: Any) -> int:
    """Equations of a program, those of the programs inside it too."""
    values = jax.tree.leaves([list(equation.params.values()) for equation in jaxpr.eqns])
    inner = (getattr(value, "jaxpr", value) for value in values)
    return len(jaxpr.eqns) + sum(equations(each) for each in inner if hasattr(each, "eqns"))


def measure(schedule: optax.Schedule, num_steps: int) -> tuple[int, float, float]:
    """Equations, seconds to trace and compile, nanoseconds an evaluation."""
    steps = jnp.asarray(np.linspace(0, num_steps - 1, EVALUATIONS).astype(np.int32))

    def evaluate(steps: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda total, step: (total + schedule(step), None), 0.0, steps)[0]

    begin = time.perf_counter()
    compiled = jax.jit(evaluate).lower(steps).compile()
    compile_seconds = time.perf_counter() - begin
    compiled(steps).block_until_ready()
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        compiled(steps).block_until_ready()
        times.append(time.perf_counter() - begin)
    size = equations(jax.make_jaxpr(schedule)(jnp.int32(0)).jaxpr)
    return size, compile_seconds, min(times) / EVALUATIONS * 1e9


def host_microseconds(schedule: la.Schedule) -> float:
    """The quickest of 20 times 500 calls of `at`, per call."""
    schedule.at(0)
    return min(timeit.repeat(partial(schedule.at, 12_345), number=500, repeat=20)) / 500 * 1e6


def print_host_table() -> None:
    """One schedule of each class, from the list that the tests go through."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from every_schedule import ONE_OF_EACH_CLASS

    print("\n| class | at(step), microseconds |\n|---|---|")
    for schedule in ONE_OF_EACH_CLASS:
        print(f"| {type(schedule).__name__} | {host_microseconds(schedule):.1f} |")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()

    kinds: dict[str, Callable[[int], tuple[optax.Schedule, int]]] = {
        "log_anneal": lambda cycles: (ours(), cycles * CYCLE_STEPS),
        "log_anneal, growing": lambda cycles: (
            ours(GROWTH),
            int(CYCLE_STEPS * (GROWTH**cycles - 1) / (GROWTH - 1)),
        ),
        "optax": lambda cycles: (theirs(cycles), cycles * CYCLE_STEPS),
    }
    steps = np.arange(min(arguments.cycles) * CYCLE_STEPS)
    np.testing.assert_allclose(
        ours()(steps), jax.vmap(theirs(min(arguments.cycles)))(steps), rtol=1e-4
    )
    print(
        f"jax {jax.__version__}, optax {optax.__version__}, log_anneal {la.__version__}, "
        f"Python {platform.python_version()}, {jax.devices()[0].device_kind}, "
        f"median of {arguments.turns} turns\n"
    )
    print("| schedule | cycles | equations | compile, s | evaluation, ns |")
    print("|---|---|---|---|---|")
    for cycles in arguments.cycles:
        results: dict[str, list[tuple[int, float, float]]] = {name: [] for name in kinds}
        for _ in range(arguments.turns):
            for name, make in kinds.items():
                results[name].append(measure(*make(cycles)))
        for name, rows in results.items():
            size, compile_s, evaluation = (
                statistics.median(column) for column in zip(*rows, strict=True)
            )
            print(f"| {name} | {cycles:,} | {int(size):,} | {compile_s:.3f} | {evaluation:,.0f} |")
        ratios = (
            statistics.median(
                optax_turn[column] / our_turn[column]
                for our_turn, optax_turn in zip(
                    results["log_anneal"], results["optax"], strict=True
                )
            )
            for column in (1, 2)
        )
        print("| optax / log_anneal | {:,} | | {:,.0f} | {:,.0f} |".format(cycles, *ratios))
    print_host_table()


if __name__ == "__main__":
    main()

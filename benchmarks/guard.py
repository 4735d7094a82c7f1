"""What the guard costs: a training step that checks every number of the new state, and one without.

    python benchmarks/guard.py

The guard of the trainer tells, in each step, whether any number of the parameters, the batch
statistics or the optimizer's state is not finite. Three programs take turns on the same images: one
that does not look, the trainer's own, and the trainer's with `--halt.spike`. A ratio is the median
of the ratios of the turns. Times are those of the CPU.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp

import log_anneal as la
from train.config import Config
from train.engine import compiled, guard
from train.halt import Halt
from train.models import ModelConfig
from train.run.job import prepare

BATCH = 128
STEPS = 8
"""How many steps a turn has."""


def stepper(width: int, halt: Halt, *, looks: bool) -> Callable[[], float]:
    """Returns what makes some steps, and returns the CPU milliseconds of one."""
    whole = guard._first_bad_leaf
    if not looks:
        guard._first_bad_leaf = lambda state: jnp.int32(guard.NO_LEAF)
    compiled._program.cache_clear()
    job = prepare(
        Config(
            schedule=la.constant_schedule(0.01),
            epochs=1000,
            batch_size=BATCH,
            model=ModelConfig(name="resnet_small", width=width),
            halt=halt,
        )
    )
    data = job.place_splits()["train"]
    state = job.engine.place(jax.device_get(jax.jit(job.create_state)()))
    done = 0

    def run() -> float:
        nonlocal state, done
        begin = time.process_time()
        state, _ = job.engine.train(state, data, job.indices(range(done, done + STEPS)))
        done += STEPS
        return 1000 * (time.process_time() - begin) / STEPS

    run()
    guard._first_bad_leaf = whole
    return run


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--turns", type=int, default=25)
    turns = parser.parse_args().turns
    print(f"jax {jax.__version__}; digits, batch {BATCH}\n")
    print("| network | no look, ms a step | the guard | with a spike's threshold |")
    print("|---|---|---|---|")
    for width in (4, 16):
        runs = [
            stepper(width, Halt(), looks=False),
            stepper(width, Halt(), looks=True),
            stepper(width, Halt(spike=30.0), looks=True),
        ]
        found = [[run() for run in runs] for _ in range(turns)]
        plain = statistics.median(each[0] for each in found)
        own, spike = (statistics.median(each[at] / each[0] for each in found) for at in (1, 2))
        print(f"| resnet_small, width {width} | {plain:.2f} | {own:.3f} | {spike:.3f} |")


if __name__ == "__main__":
    main()

"""The trainer's step beside PyTorch's, of the same small ResNets on a CPU, in turns.

    python -m venv /tmp/torchenv && /tmp/torchenv/bin/pip install torch
    python benchmarks/beside_torch.py --torch /tmp/torchenv/bin/python --cores 1

Ours is what a run does for a step: the engine with its guard and metrics, augmentation, nesterov
SGD with weight decay. PyTorch's is torch_step.py. On more than one core ours runs with one device,
and again with a device a core. Each is a process of its own, held to the same cores; a turn runs
each once, and a ratio is of one turn's CPU time or wall time. On a machine with other work, look at
the least: PyTorch's threads wait for each other in loops, which costs it much there.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
NETWORKS = ((16, 128), (32, 64))
"""Width and batch size; 78 and 309 thousand parameters."""


class Side:
    """A process that runs steps when it is told to."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.version = self._line()

    def run(self, steps: int) -> tuple[float, float]:
        """Milliseconds a step, of CPU and of wall time."""
        print(steps, file=self.process.stdin, flush=True)
        cpu, wall = (float(word) / steps * 1e3 for word in self._line().split())
        return cpu, wall

    def _line(self) -> str:
        line = self.process.stdout.readline().strip()
        if not line:
            raise SystemExit(f"error: {self.name} has ended; what it said is above.")
        return line


def main() -> None:
    """Prints each turn, and the median ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", default=sys.executable, help="an interpreter with PyTorch")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--ours", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        return ours(*arguments.ours)

    if subprocess.run(
        [arguments.torch, "-c", "import torch"], stderr=subprocess.DEVNULL
    ).returncode:
        raise SystemExit(
            f"error: {arguments.torch} has no PyTorch, which this benchmark alone needs. Make an "
            "environment for it, `python -m venv DIR && DIR/bin/pip install torch`, and give "
            "--torch DIR/bin/python."
        )
    cores = sorted(os.sched_getaffinity(0))[: arguments.cores]
    if len(cores) < arguments.cores:
        raise SystemExit(f"error: there are {len(cores)} cores, {arguments.cores} were asked for.")
    os.sched_setaffinity(0, cores)  # of what is started from here, too
    for width, batch in NETWORKS:
        compare(width, batch, arguments)


def compare(width: int, batch: int, arguments: argparse.Namespace) -> None:
    """Runs all sides of one network in turns."""
    torch = [arguments.torch, str(HERE / "torch_step.py")]
    sides = [Side("torch", [*torch, str(width), str(batch), str(arguments.cores)])]
    for devices in sorted({1, arguments.cores}):
        command = [sys.executable, __file__, "--ours", json.dumps([width, batch, devices])]
        sides.append(Side(f"ours, {devices} device" + "s" * (devices > 1), command))
    print(
        f"\nwidth {width}, batch {batch}, {arguments.cores} core(s), {arguments.turns} turns of "
        f"{arguments.steps} steps: {', '.join(sorted({side.version for side in sides}))}"
    )
    for side in sides:
        side.run(5)  # compiles

    times: dict[str, list[tuple[float, float]]] = {side.name: [] for side in sides}
    for turn in range(arguments.turns):
        for side in sides if turn % 2 else sides[::-1]:
            times[side.name].append(side.run(arguments.steps))
    for side in sides:
        side.process.stdin.close()
        side.process.wait()

    print(f"{'ms a step':<16} CPU median, least   wall median, least   median ratios: CPU, wall")
    for name, measured in times.items():
        cells = []
        for column in zip(*measured, strict=True):
            cells.append(f"{statistics.median(column):9.1f} {min(column):8.1f}")
        turns = zip(measured, times["torch"], strict=True)
        ratios = [[us / them for us, them in zip(*turn, strict=True)] for turn in turns]
        of_torch = [statistics.median(column) for column in zip(*ratios, strict=True)]
        print(f"{name:<16} {'   '.join(cells)}   {of_torch[0]:.3f}, {of_torch[1]:.3f}")


def ours(width: int, batch: int, devices: int) -> None:
    """Our side: answers each line as torch_step.py does."""
    import jax

    jax.config.update("jax_num_cpu_devices", devices)
    from log_anneal import cyclical_log_schedule
    from train.config import Config
    from train.models import ModelConfig
    from train.optimizer import OptimizerConfig
    from train.run.job import prepare

    job = prepare(
        Config(
            dataset="digits",
            model=ModelConfig(name="resnet_small", width=width),
            batch_size=batch,
            optimizer=OptimizerConfig(nesterov=True),
            schedule=cyclical_log_schedule(peak_value=0.05, end_value=0.001, decay_steps=10),
            epochs=10_000,  # more than the turns need
        )
    )
    data = job.place_splits()["train"]
    state = job.engine.place(jax.device_get(jax.jit(job.create_state)()))
    print(f"jax {jax.__version__}", flush=True)
    done = 0
    for line in sys.stdin:
        end = done + int(line)
        cpu, wall = time.process_time(), time.perf_counter()
        while done < end:
            chunk = range(done, min(done + job.chunk_steps, end))
            state, _ = job.engine.train(state, data, job.indices(chunk))
            done = chunk.stop
        jax.block_until_ready(state)
        print(time.process_time() - cpu, time.perf_counter() - wall, flush=True)


if __name__ == "__main__":
    main()

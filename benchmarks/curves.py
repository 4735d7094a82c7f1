"""Curves of other libraries' schedulers, from their own arguments: run them, and write them down.

    python benchmarks/curves.py tests/golden

writes the curves of the libraries that are installed, which `tests/test_golden.py` holds ours to.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import peers
from peers import Values


class Curve(NamedTuple):
    """A scheduler, its arguments, and how many steps of it."""

    file: str
    library: str
    scheduler: str
    num_steps: int
    arguments: dict[str, Any]
    how: str = ""

    @property
    def source(self) -> str:
        """The library, its version, the scheduler, how it was run."""
        release = peers.release(self.library)
        return f"{self.library} {release}, {self.scheduler}{self.how and ', ' + self.how}"

    def run(self) -> Values:
        """The scheduler's own values."""
        steps = range(self.num_steps)
        if self.library == "timm":
            return peers.timm_cosine(steps, **self.arguments)
        if self.library == "keras":
            return peers.keras_schedule(self.scheduler, steps, **self.arguments)
        if self.how == "by step(epoch)":
            arguments = self.arguments
            return peers.torch_closed(
                steps, arguments["base_lr"], arguments["T_0"], arguments["T_mult"]
            )
        field = "momentum" if self.how == "momentum" else "lr"
        return peers.torch_stepped(self.scheduler, self.num_steps, field=field, **self.arguments)


def _torch(file: str, scheduler: str, num_steps: int, how: str = "", **arguments: Any) -> Curve:
    return Curve(file, "torch", scheduler, num_steps, arguments, how)


def _timm(file: str, num_steps: int, **arguments: Any) -> Curve:
    return Curve(file, "timm", "CosineLRScheduler", num_steps, {"base_lr": 0.1} | arguments)


def _keras(file: str, scheduler: str, num_steps: int, **arguments: Any) -> Curve:
    return Curve(file, "keras", scheduler, num_steps, arguments, "float64")


RESTARTS, DECAY = "CosineAnnealingWarmRestarts", "CosineDecayRestarts"

# fmt: off
CURVES = [
    _torch("cosine_annealing_0", "CosineAnnealingLR", 130, base_lr=0.1, T_max=50, eta_min=0.001),
    _torch("cosine_annealing_1", "CosineAnnealingLR", 20, base_lr=0.1, T_max=7),
    _torch("cosine_warm_restarts_2", RESTARTS, 130, "by step(epoch)", base_lr=0.1, T_0=1, T_mult=3),
    _torch("cosine_warm_restarts_3", RESTARTS, 200, base_lr=0.02, T_0=5, T_mult=3, eta_min=0.001),
    _torch("linear_0", "LinearLR", 12, base_lr=0.1),
    _torch("linear_1", "LinearLR", 60, base_lr=0.1, start_factor=1.0, end_factor=0.01,
           total_iters=40),
    _torch("constant_0", "ConstantLR", 12, base_lr=0.1, factor=0.25, total_iters=7),
    _torch("polynomial_0", "PolynomialLR", 60, base_lr=0.1, total_iters=40, power=2.0),
    _torch("polynomial_1", "PolynomialLR", 60, base_lr=0.1, total_iters=40, power=0.5),
    _torch("exponential_0", "ExponentialLR", 200, base_lr=0.1, gamma=0.97),
    _torch("multi_step_1", "MultiStepLR", 30, base_lr=0.1, milestones=[20, 0, 5, 5], gamma=0.5),
    _torch("one_cycle_2", "OneCycleLR", 36, max_lr=0.4, epochs=4, steps_per_epoch=9,
           pct_start=0.23, div_factor=10.0, final_div_factor=50.0),
    _torch("one_cycle_3", "OneCycleLR", 11, max_lr=0.1, total_steps=10, anneal_strategy="linear",
           final_div_factor=100.0),
    _torch("one_cycle_4", "OneCycleLR", 50, max_lr=0.1, total_steps=50, pct_start=0.31,
           three_phase=True),
    _torch("one_cycle_momentum_0", "OneCycleLR", 40, "momentum", max_lr=0.1, total_steps=40),
    _torch("clr_momentum_0", "CyclicLR", 60, "momentum", base_lr=0.001, max_lr=0.1, step_size_up=5,
           step_size_down=8, mode="triangular2"),
    _timm("timm_cosine_0", 15, t_initial=10, lr_min=0.001),
    _timm("timm_cosine_1", 90, t_initial=10, cycle_mul=2.0, cycle_decay=0.5, cycle_limit=3,
          lr_min=0.001, warmup_t=5, warmup_lr_init=0.0001),
    _timm("timm_cosine_2", 90, t_initial=10, cycle_mul=2.0, cycle_decay=0.5, cycle_limit=3,
          lr_min=0.001, warmup_t=5, warmup_lr_init=0.0001, warmup_prefix=True),
    _timm("timm_cosine_3", 50, t_initial=40, lr_min=0.001, k_decay=1.5),
    _timm("timm_cosine_4", 130, t_initial=1, cycle_mul=3.0, cycle_limit=9, lr_min=0.001),
    _timm("timm_cosine_5", 40, t_initial=10, cycle_limit=3, warmup_t=14, warmup_lr_init=0.0001,
          lr_min=0.001),
    _keras("keras_cosine_decay_0", "CosineDecay", 50, initial_learning_rate=0.1,
           decay_steps=40, alpha=0.01),
    _keras("keras_cosine_decay_1", "CosineDecay", 60, initial_learning_rate=0.001,
           decay_steps=40, alpha=0.01, warmup_target=0.1, warmup_steps=10),
    _keras("keras_restarts_0", DECAY, 200, initial_learning_rate=0.1,
           first_decay_steps=10, m_mul=0.8, alpha=0.01),
    _keras("keras_restarts_1", DECAY, 60, initial_learning_rate=0.1,
           first_decay_steps=7, t_mul=1.0, m_mul=0.5),
    _keras("keras_restarts_2", DECAY, 130, initial_learning_rate=0.1,
           first_decay_steps=1, t_mul=3.0),
]
# fmt: on


def main() -> None:
    """Writes one file a curve."""
    folder = Path(sys.argv[1])
    for curve in CURVES:
        if peers.release(curve.library):
            values = curve.run()
            record = {
                "scheduler": curve.file,
                "source": curve.source,
                "params": curve.arguments,
                "values": np.asarray(values).tolist(),
            }
            text = json.dumps(record, allow_nan=False)
            (folder / f"{curve.file}.json").write_text(text + "\n")
            print(curve.file, curve.source)


if __name__ == "__main__":
    main()

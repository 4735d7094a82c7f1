"""What PyTorch's `ReduceLROnPlateau` does to a rate of 1 under random metrics.

    python benchmarks/plateaus.py tests/golden/plateau

writes it down, for `tests/test_plateau.py` to hold `la.plateau` to.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "impatient": {"patience": 0, "factor": 0.9},
    "patient": {"patience": 3, "factor": 0.5},
    "absolute": {"patience": 2, "factor": 0.5, "threshold": 0.05, "threshold_mode": "abs"},
    "relative": {"patience": 2, "factor": 0.5, "threshold": 0.1},
    "cooling": {"patience": 1, "factor": 0.5, "cooldown": 4},
    "bounded": {"patience": 1, "factor": 0.3, "min_lr": 0.02},
    "max": {"patience": 2, "factor": 0.7, "mode": "max", "cooldown": 1},
    "max_absolute": {
        **{"patience": 2, "factor": 0.7, "mode": "max"},
        **{"threshold": 0.02, "threshold_mode": "abs"},
    },
    "strict": {"patience": 1, "factor": 0.5, "threshold": 0.0},
}


def metrics(seed: int, mode: str, num_steps: int = 300) -> list[float]:
    """Noise that improves more and more slowly, with some that is not a number."""
    random = np.random.default_rng(seed)
    falling = 2 * np.exp(-np.arange(num_steps) / 60) + 0.3 + 0.2 * random.random(num_steps)
    falling[random.random(num_steps) < 0.03] = np.nan
    return [float(each) for each in np.float32(falling if mode == "min" else 3 - falling)]


def scales(values: list[float], **arguments: Any) -> list[float]:
    """The rate after each metric, of an optimizer whose rate is 1."""
    held = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "step() of the optimizer was not called"
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(held, eps=0.0, **arguments)
        found = []
        for value in values:
            scheduler.step(value)
            found.append(float(held.param_groups[0]["lr"]))
    return found


def main() -> None:
    """Writes one file a case; a metric that is not a number is null in it."""
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for seed, (name, arguments) in enumerate(CASES.items()):
        values = metrics(seed, arguments.get("mode", "min"))
        record = {
            "source": f"torch {torch.__version__}, ReduceLROnPlateau of a rate of 1, eps=0",
            "params": arguments,
            "metrics": [None if np.isnan(each) else each for each in values],
            "scales": scales(values, **arguments),
        }
        (folder / f"{name}.json").write_text(json.dumps(record, allow_nan=False) + "\n")
        print(name, record["scales"][-1])


if __name__ == "__main__":
    main()

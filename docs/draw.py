"""Draws the README's picture of the schedules.

    python docs/draw.py

The schedules share one cycle, so that they differ in their shape alone.
"""

from pathlib import Path

import log_anneal as la
from log_anneal.plot import plot

EPOCH = 100  # steps
CYCLE = {
    "init_value": 1e-4,
    "peak_value": 0.1,
    "end_value": 0.001,
    "warmup_steps": 2,
    "decay_steps": 8,
    "restart_steps": 10,
    "restart_multiplier": 1.5,
}
SCHEDULES = {
    "cyclical log, anchored, base 20": la.cyclical_log_schedule(**CYCLE, base=20.0),
    "cyclical log, anchored, base 1000": la.cyclical_log_schedule(**CYCLE),
    "cyclical log, equation 4 of the paper": la.cyclical_log_schedule(**CYCLE, form="equation_4"),
    "cyclical cosine": la.cyclical_cosine_schedule(**CYCLE),
}


def main() -> None:
    """Writes `schedules.png` beside this file."""
    in_steps = [schedule.stretch(EPOCH) for schedule in SCHEDULES.values()]
    figure = plot(in_steps, 35 * EPOCH, labels=list(SCHEDULES))
    figure.set_size_inches(9, 4)
    figure.axes[0].set(xlabel="step, 100 an epoch", ylabel="learning rate")
    figure.savefig(Path(__file__).with_name("schedules.png"), dpi=110)


if __name__ == "__main__":
    main()

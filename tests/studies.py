"""A study that is small enough to be made in a test, and what is the same in its reports."""

import json
import re
from pathlib import Path
from typing import Any

import small

import log_anneal as la
from train.study import Claim, Study

CYCLE: dict[str, Any] = {
    "peak_value": 0.05, "end_value": 1e-3, "decay_steps": 1, "restart_steps": 1,
}  # fmt: skip
SCHEDULES = {
    "log": la.cyclical_log_schedule(**CYCLE),
    "cosine": la.cyclical_cosine_schedule(**CYCLE),
    "linear": la.cyclical_linear_schedule(**CYCLE),
    "step": la.step_decay_schedule(init_value=0.05, decay_steps=1, decay_rate=0.1),
    "none": la.constant_schedule(0.05),
}


def study(**changes: Any) -> Study:
    """Two schedules and two seeds, on 128 digits for two epochs of two steps."""
    few = {"num_train_images": 128, "num_test_images": 120, "batch_size": 64, "epochs": 2}
    described = {
        "title": "A small study",
        "description": "Of two schedules.",
        "base": small.config(**few),
        "axes": {"schedule": {name: {"schedule": SCHEDULES[name]} for name in ("log", "cosine")}},
        "seeds": (0, 1),
        "baseline": {"schedule": "cosine"},
        "claims": [
            Claim(
                *("t.halt", "nobody", "No run halts.", "never_halted", {}),
            )
        ],
    }
    return Study(**{**described, **changes})


FILE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import studies

def get_study(size):
    return studies.study()
"""


def results(folder: Path) -> tuple[str, dict[str, Any]]:
    """A report's text less what a clock or a calendar says, and its numbers."""
    text = (folder / "report.md").read_text()
    before, _, rest = text.partition("\n## Cost\n")
    after = rest.partition("\n## ")[2]
    numbers = json.loads((folder / "report.json").read_text())
    for name in ("date", "commit"):
        numbers.pop(name)
    lines = [line for line in (before + after).splitlines() if not line.startswith(_CLOCKED)]
    return _TIME.sub(r"\1", "\n".join(lines)), numbers


_CLOCKED = ("| The study was begun |",)
_TIME = re.compile(r"(^\| \S+ \| ended \| [\d.]+) \| [\d,]+ \|$|\d{4}-\d\d-\d\d", re.MULTILINE)
"""The last cell of a run in the table of them, and dates."""

"""Arguments at random for every schedule that `compat` has of another library.

`benchmarks/peer_differences.py` runs them beside the libraries, and `tests/test_peers.py` beside
Optax, and to see that every argument is checked under its own name.
"""

from collections.abc import Mapping

from peer_cases_others import OPTAX, TIMM, TRANSFORMERS
from peer_cases_torch import KERAS, TORCH
from peer_draws import Arguments, Cases, Draw

__all__ = ["CASES", "Arguments", "Draw"]

CASES: Mapping[str, Cases] = {
    "torch": TORCH,
    "keras": KERAS,
    "timm": TIMM,
    "optax": OPTAX,
    "transformers": TRANSFORMERS,
}
"""By the library and the name of the schedule: a function that draws its arguments."""

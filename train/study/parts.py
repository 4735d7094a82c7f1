"""Parts of a study's description: range tests, claims, and what a change may depend on."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

Bounds: TypeAlias = tuple[float, float]
"""The lowest and the highest learning rate."""
Labels: TypeAlias = Mapping[str, str]
"""What a run is called along each axis."""


@dataclasses.dataclass(frozen=True)
class Context:
    """What is known of a run where a change depends on it."""

    labels: Labels
    """Its label along each axis."""
    bounds: Bounds
    """What the range test found; NaN where the study makes none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RangeTests:
    """A learning-rate range test for each label of an axis, made by the study itself.

    Each is `train.run.range_test`'s, of the first run with that label. Where its steps are more
    than an epoch's, as in Smith's own, images are seen again, and the accuracy is that of training.
    """

    fallback: Bounds
    """What the runs take where a test shows no bounds."""
    axis: str = "network"
    min_value: float = 1e-4
    max_value: float = 1.0
    num_steps: int = 400
    sweep: Literal["exponential", "linear"] = "linear"


@dataclasses.dataclass(frozen=True)
class Claim:
    """What a paper says, or leaves open, and the check that computes a verdict from the runs."""

    id: str
    source: str
    text: str
    check: str
    """A name of `train.report.claims.checks.CHECKS`."""
    arguments: Mapping[str, Any]
    """Of the check."""

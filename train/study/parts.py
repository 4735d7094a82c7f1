"""Parts of a study's description: its labels, range tests and claims."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from train.checked import checked
from train.errors import UserError
from train.kinds import Within

Bounds: TypeAlias = tuple[float, float]
"""The lowest and the highest learning rate."""
Labels: TypeAlias = Mapping[str, str]
"""The label of a run, or of a group of runs, along each axis."""


@dataclasses.dataclass(frozen=True)
class Context:
    """The facts about a run on which a change may depend.

    Attributes:
      labels: The run's label along each axis.
      bounds: The bounds that the range test found; NaN if the study makes none.
    """

    labels: Labels
    bounds: Bounds


@checked()
@dataclasses.dataclass(frozen=True, kw_only=True)
class RangeTests:
    """A learning-rate range test for each label of an axis, made by the study itself.

    Each is that of `train.run.range_test`, for the first run with the label. A test that is longer
    than an epoch, as Smith's own, sees images again: its accuracy is then that of training.

    Attributes:
      fallback: The bounds that the runs take if a test shows none.
      axis: The axis for each of whose labels a test is made.
      min_value: The first rate of a test. It should be so low that nothing is learnt.
      max_value: The last rate of a test. It should be so high that the loss diverges.
      num_steps: The length of a test, in steps.
      sweep: How the rate rises. exponential finds the order of magnitude of good rates. linear
        finds the bounds, once the order of magnitude is known.
    """

    fallback: Bounds
    axis: str = "network"
    min_value: Annotated[float, Within(above=0)] = 1e-4
    """The first rate of the test. Above 0, and below `max_value`."""
    max_value: Annotated[float, Within(above=0)] = 1.0
    """The last rate of the test. Above 0."""
    num_steps: Annotated[int, Within(at_least=10, fits=1_000_000)] = 400
    """The length of the test, in steps. At least 10."""
    sweep: Literal["exponential", "linear"] = "linear"

    def __post_init__(self) -> None:
        """Checks that the rates rise."""
        if not self.min_value < self.max_value:
            raise UserError(
                f"`min_value` must be below `max_value`, got {self.min_value} and "
                f"{self.max_value}. Take 1e-4 and 1."
            )


@checked()
@dataclasses.dataclass(frozen=True)
class Claim:
    """A paper's sentence, or a question that it leaves open, and the check that answers it.

    Attributes:
      id: A short name, which no other claim of the study has.
      source: Where the sentence stands: the paper and the section.
      text: The sentence.
      check: The name of the check in `train.report.claims.checks.CHECKS`.
      arguments: The arguments of the check.
    """

    id: str
    source: str
    text: str
    check: str
    arguments: Mapping[str, Any]

"""A metric of a task: what its results are judged by, and the words in which it is told."""

import dataclasses
from typing import Any, Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric:
    """A number of an evaluation beside its loss, and how it is written."""

    name: str
    """The name that the log has."""
    title: str
    """The name in a sentence, behind the word test: "accuracy"."""
    better: Literal[1, -1]
    """1: higher is better; -1: lower is better."""
    unit: str = ""
    """"%": the log has a share from 0 to 1, which is shown times 100."""
    digits: int = 2
    """The digits behind the point, as it is shown."""
    margin: float
    """A smaller difference, as it is shown, counts as none."""
    why: str
    """The reason for the margin, as a sentence."""

    def shown(self, value: Any) -> Any:
        """Returns logged numbers as they are shown."""
        return 100 * value if self.unit == "%" else value

    def text(self, value: float, digits: int | None = None) -> str:
        """Writes a logged number: `85.00 %`.

        Args:
          value: as it is logged.
          digits: behind the point; None: the metric's own.
        """
        return self.value(f"{self.shown(value):.{self.digits if digits is None else digits}f}")

    def value(self, text: str) -> str:
        """Writes a shown number with its unit: `84.28 %`, `0.0978`."""
        return f"{text} {self.unit}".rstrip()

    def amount(self, text: str) -> str:
        """Writes a difference with its unit: `0.90 points`, `0.0123`."""
        return f"{text} {'points' if self.unit == '%' else self.unit}".rstrip()

    @property
    def noun(self) -> str:
        """Returns the name in a sentence: `test accuracy`."""
        return f"test {self.title}"

    @property
    def header(self) -> str:
        """Returns the name with its unit, for an axis: `test accuracy, %`."""
        return f"{self.noun}, {self.unit}" if self.unit else self.noun

    @property
    def final(self) -> str:
        """Returns the name that a report has for it at the end of a run."""
        return f"final_{self.name}"

    @property
    def best(self) -> str:
        """Returns the name that a report has for it at the best checkpoint."""
        return f"best_{self.name}"

    @property
    def top(self) -> str:
        """Returns the word for the best: highest or lowest."""
        return "highest" if self.better > 0 else "lowest"

    @property
    def worse(self) -> str:
        """Returns the word for what is worse: lower or higher."""
        return "lower" if self.better > 0 else "higher"

    @property
    def beyond(self) -> str:
        """Returns the word for how the better one lies: above or below."""
        return "above" if self.better > 0 else "below"


ACCURACY = Metric(
    name="accuracy",
    title="accuracy",
    better=1,
    unit="%",
    margin=0.5,
    why="The accuracy of one run on 10,000 test images has a binomial standard error of at most "
    "0.5 points. A smaller difference is below what a single run shows.",
)
"""The metric of the classification of images."""

"""Ranges: the values from which a search chooses."""

import dataclasses
from typing import TYPE_CHECKING, Literal

from train.checked import checked
from train.errors import UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@checked()
@dataclasses.dataclass(frozen=True, kw_only=True)
class Range:
    """The range of one field, from which a search chooses its values.

    Attributes:
      low: The lowest value.
      high: The highest value, which is included.
      scale: The scale of the choice. log: as many trials lie between 0.01 and 0.1 as between 0.1
        and 1.
      is_integer: Whether the values are whole numbers.
    """

    low: float
    high: float
    scale: Literal["log", "linear"] = "linear"
    is_integer: bool = False

    def __post_init__(self) -> None:
        """Checks the bounds."""
        if not self.low < self.high:
            raise UserError(
                f"`low` must be below `high`, got {self.low} and {self.high}. "
                "For a single value, set the field itself."
            )
        if self.scale == "log" and self.low <= 0:
            raise UserError(
                f"`low` must be above 0 on a log scale, got {self.low}. "
                'Raise it, or take scale="linear".'
            )
        if self.is_integer and (self.low, self.high) != (int(self.low), int(self.high)):
            raise UserError(
                f"`low` and `high` must be whole numbers, got {self.low} and {self.high}. "
                "Round them, or leave `is_integer` out."
            )

    def point(self, place: int, of: int) -> float | int:
        """Returns one of `of` values that lie evenly on the range's scale, from end to end.

        Args:
          place: the place of the value among them, from 0 to of - 1.
          of: the number of values, at least 2.
        """
        share = place / (of - 1)
        if self.scale == "log":
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + (self.high - self.low) * share
        value = min(max(float(f"{value:.6g}"), self.low), self.high)
        return round(value) if self.is_integer else value

    def distribution(self) -> "BaseDistribution":
        """Returns the range as a distribution of Optuna."""
        from optuna.distributions import FloatDistribution, IntDistribution

        log = self.scale == "log"
        if self.is_integer:
            return IntDistribution(int(self.low), int(self.high), log=log)
        return FloatDistribution(self.low, self.high, log=log)

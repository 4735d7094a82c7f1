"""The ways in which a command ends early: a mistake that a person can mend, a halt, a signal."""

import dataclasses
import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Input that cannot be used. The message names the argument, the rule and the way out.

    `python -m train` prints the message as one line and leaves with exit code 2.
    """


def did_you_mean(name: str, known: Iterable[str], most: int = 1) -> str:
    """Asks whether a near name was meant; empty where none is near.

    Args:
      name: the wrong name.
      known: the right names.
      most: how many of them the question names at most.
    """
    near = difflib.get_close_matches(name, list(known), most)
    return f"Did you mean {' or '.join(near)}?" if near else ""


@dataclasses.dataclass(frozen=True)
class Reason:
    """The reason of a halt, in words that follow `the next was not made:`."""

    words: str
    is_threshold: bool
    """Whether it was the threshold, which may be too low; else a number was not finite."""


class Halted(Exception):  # noqa: N818, an ending, not an error
    """A step went wrong. The state before that step is saved.

    Args:
      step: how many updates were made.
      reason: what was wrong with the next update.
    """

    def __init__(self, step: int, reason: Reason) -> None:
        super().__init__(f"Step {step} is saved; the next was not made: {reason.words}.")
        self.step = step
        self.reason = reason


class Interrupted(Exception):  # noqa: N818, an ending, not an error
    """A signal came. The state is saved."""

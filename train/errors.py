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


HELD = "another run is writing to"
"""A part of the message that says that another process makes the run."""


def sentence(error: BaseException) -> str:
    """Returns why something could not be made: the first line of an error that is no `UserError`.

    Args:
      error: what was raised.
    """
    if isinstance(error, UserError):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else f"{type(error).__name__}."


def shortened(error: Exception) -> str:
    """Returns the first sentence of an error's text, cut so that it fits on a line."""
    text = " ".join(str(error).split()).split(" [")[0] or type(error).__name__
    return text if len(text) < 200 else f"{text[:60]} ... {text[-130:]}"


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


class Incomplete(Exception):  # noqa: N818, an ending, not an error
    """Some runs of a study could not be made. The others are, and the report is written."""

"""The error of a law that is broken."""

from typing import Any

from log_anneal._core.schedule import Schedule


class LawBroken(AssertionError):  # noqa: N818 - it reads as a sentence in a test's report
    """A schedule breaks a law: the message says which, where, the two values, and what to do."""

    law: str
    """The name of the law, which `skip` takes."""
    step: int | None
    """The step at which it was seen; None if it is the same at every step."""


def broken(
    law: str,
    schedule: Schedule,
    step: int | None,
    first: tuple[str, Any],
    second: tuple[str, Any],
    way_out: str,
) -> LawBroken:
    """Returns the error.

    Args:
      law: the name of the law.
      schedule: the schedule that breaks it.
      step: where; None for every step.
      first: what was compared, and its value.
      second: with what, and its value.
      way_out: what to do.
    """
    where = "every step" if step is None else f"step {step}"
    said = " and ".join(f"{what} {_shown(value)}" for what, value in (first, second))
    error = LawBroken(f"Law `{law}`: at {where}, {said}. {way_out} The schedule: {schedule!r}.")
    error.law, error.step = law, step
    return error


def _shown(value: Any) -> str:
    return f"is {float(value):.9g}" if hasattr(value, "dtype") else f"is {value}"

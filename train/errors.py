"""How a command ends early: by a mistake that a person can mend, by a halt, by a signal."""


class UserError(ValueError):
    """Input that cannot be used; the message names the argument, the rule and the way out.

    `python -m train` prints it as one line and leaves with exit code 2.
    """


class Halted(Exception):  # noqa: N818, an ending, not an error
    """A step went wrong; the state is the one before it, and is saved.

    Args:
      step: how many updates were made.
      reason: what was wrong with the next, as `train.engine.guard.why` says it.
    """

    def __init__(self, step: int, reason: str) -> None:
        super().__init__(f"Step {step} is saved; the next was not made: {reason}.")
        self.step = step
        self.reason = reason


class Interrupted(Exception):  # noqa: N818, an ending, not an error
    """A signal came; the state is saved."""

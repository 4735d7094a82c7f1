"""The one exception that stands for a mistake a person can mend."""


class UserError(ValueError):
    """Input that cannot be used; the message names the argument, the rule and the way out.

    `python -m train` prints it as one line and leaves with exit code 2.
    """

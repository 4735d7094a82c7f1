"""Marks: what an annotation says of a value besides its type."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Within:
    """The range of a number, in its annotation."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    fits: float | None = None
    """The largest number that can be used, where nobody comes near it. Only its refusal names it.
    """
    way_out: str = ""
    """A sentence that tells what to write instead."""

    def holds(self, value: float) -> bool:
        """Returns whether a number lies in the range."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        """Returns the range in words, as they follow `a number`."""
        if self.at_least is not None and self.at_most is not None:
            return f"from {self.at_least} to {self.at_most}"
        low = f"of at least {self.at_least}" if self.at_least is not None else ""
        low = f"above {self.above}" if self.above is not None else low
        high = "" if self.below is None else f"below {self.below}"
        high = high if self.at_most is None else f"of at most {self.at_most}"
        return " and ".join(filter(None, [low, high]))


class Address:
    """The mark of a text that is an address in a network, `host:port`."""

    def holds(self, value: str) -> bool:
        """Returns whether a text is such an address, with a port from 1 to 65535."""
        host, _, port = value.rpartition(":")
        return (
            bool(host.strip())
            and port.isascii()
            and port.isdecimal()
            and 1 <= int(port[:6]) <= 65_535
        )

    def __str__(self) -> str:
        """Returns the rule in words, as they follow `a text`."""
        return "of the form host:port, with a port from 1 to 65535"


class OrPath:
    """The mark of a text that may be given as a path, and is kept as a text."""

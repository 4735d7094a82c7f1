"""Rooms that lie on each other: what imports what."""


def floors(below: dict[str, set[str]]) -> int:
    """How many lie on each other; a way back is an error."""
    found: dict[str, int] = {}

    def floor(name: str, above: tuple[str, ...] = ()) -> int:
        assert name not in above, f"a circle: {' -> '.join([*above, name])}"
        if name not in found:
            found[name] = 1 + max((floor(each, (*above, name)) for each in below[name]), default=0)
        return found[name]

    return max(map(floor, below))

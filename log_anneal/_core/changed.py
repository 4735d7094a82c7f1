"""A number of steps on the host, after its leaf has changed."""

from operator import index
from typing import Any


class ChangedSteps(float):
    """Whole steps on the host whose leaf is another number since, by `jax.tree.map` for example.

    As of `Steps`, the whole number counts among whole numbers, and the leaf among real ones.
    """

    whole: int

    def __new__(cls, real: float, whole: int) -> "ChangedSteps":
        """Makes a float that knows the whole number."""
        changed = super().__new__(cls, real)
        changed.whole = whole
        return changed

    def __index__(self) -> int:
        return self.whole


def _define(name: str) -> None:
    of_whole, of_real = getattr(int, f"__{name}__"), getattr(float, f"__{name}__")

    def operator(self: ChangedSteps, other: Any) -> Any:
        is_whole = isinstance(other, (int, ChangedSteps))
        return of_whole(self.whole, index(other)) if is_whole else of_real(self, other)

    setattr(ChangedSteps, f"__{name}__", operator)


for _name in ("add", "sub", "mul", "mod", "floordiv", "divmod"):
    _define(_name)
    _define(f"r{_name}")
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _define(_name)

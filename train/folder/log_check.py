"""Checks a log of JSON lines against what a checkpoint says of it, and mends what is certain."""

import dataclasses
import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from train.folder.sealed import is_sound, parsed

_Key: TypeAlias = tuple[int, int, str]
"""The step of a line, its place among the lines of the step, and its split."""
_PLACES = {"": 0, "validation": 1, "test": 2}
_MOST_WAYS = 64
_MOST_SAID = 3


@dataclasses.dataclass(frozen=True)
class Checked:
    """What a log holds up to a step."""

    lines: Sequence[bytes]
    """The sound lines in their order, each with its line break."""
    is_whole: bool
    """Whether these are, for certain, all the lines that were written."""
    faults: Sequence[str]
    """What is wrong in the file, in words: `line 7 was cut short`."""

    @property
    def content(self) -> bytes:
        """Returns the file without its faults."""
        return b"".join(self.lines)

    def says(self) -> str:
        """Returns the first faults as a part of a sentence."""
        more = len(self.faults) - _MOST_SAID
        rest = [f"and {more} more faults"] if more > 0 else []
        return "; ".join([*self.faults[:_MOST_SAID], *rest])


def extent(content: bytes) -> dict[str, Any]:
    """Returns what a manifest says of a log: its length, and its digest."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def check(
    path: Path, step: int, expected: Mapping[str, Any] | None, *, has_every_step: bool = True
) -> Checked:
    """Compares the lines of a log up to a step with what the checkpoint of the step says of them.

    Args:
      path: of the log, which may be missing.
      step: the number of updates done. Lines of later ones, which are made anew, do not count.
      expected: as `extent` gave it; None: the checkpoint is of a release that did not say it. The
        log then counts as whole if no step lacks its line.
      has_every_step: whether there is a line for each step.
    """
    content = path.read_bytes() if path.exists() else b""
    if expected is not None:
        head = content[: expected["bytes"]]
        if extent(head) == dict(expected):
            return Checked(head.splitlines(keepends=True), is_whole=True, faults=())
    found, faults = _sorted(content, step, may_lack=expected is None)
    keys = sorted(key for key in found if key[0] <= step)
    made = {key[0] for key in keys if key[1] == 0}
    every = range(1, step + 1) if has_every_step else ()
    missing = [f"the line of step {number} is missing" for number in every if number not in made]
    lines = [found[key][0] for key in keys]
    if expected is None:
        return Checked(lines, not missing, [*faults, *missing])
    for way in _ways([found[key] for key in keys]):
        if extent(b"".join(way)) == dict(expected):
            return Checked(way, is_whole=True, faults=faults)
    faults = faults or missing or ["a line is missing, or is of another run"]
    return Checked(lines, is_whole=False, faults=faults)


def _sorted(
    content: bytes, step: int, *, may_lack: bool
) -> tuple[dict[_Key, list[bytes]], list[str]]:
    """Returns the sound lines by their keys, several where they differ, and what is wrong."""
    found: dict[_Key, list[bytes]] = {}
    faults, last = [], (0, 0)
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line:
            continue
        key = _key(line)
        if key is not None and key[0] > step:
            continue
        if fault := _fault(line, key, may_lack=may_lack):
            faults.append(f"line {number} {fault}")
            continue
        assert key is not None
        if key in found:
            faults.append(f"line {number} is doubled")
        elif key[:2] < last:
            faults.append(f"line {number} is out of order")
        last = max(last, key[:2])
        variants = found.setdefault(key, [])
        if line + b"\n" not in variants:
            variants.append(line + b"\n")
    return found, faults


def _fault(line: bytes, key: _Key | None, *, may_lack: bool) -> str:
    if not line.startswith(b"{") or not line.endswith(b"}") or parsed(line) is None:
        return "was cut short, or is no line of a log"
    if not is_sound(line, may_lack=may_lack):
        return "has changed since it was written, or is of something else"
    return "" if key else "is no line of a run"


def _key(line: bytes) -> _Key | None:
    record = parsed(line) or {}
    step, split = record.get("step"), str(record.get("split", ""))
    if type(step) is not int or step < 1:
        return None
    return step, _PLACES.get(split, len(_PLACES)), split


def _ways(variants: Sequence[Sequence[bytes]]) -> Sequence[Sequence[bytes]]:
    """Returns every choice of one line for each key; only the first where there are too many."""
    if math.prod(len(each) for each in variants) > _MOST_WAYS:
        return [[each[0] for each in variants]]
    return [*itertools.product(*variants)]

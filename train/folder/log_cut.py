"""Cuts a log back to the step from which a run goes on."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.folder import sealed
from train.folder.files import set_aside, write_atomically


def drop_after(path: Path, start_step: int) -> float:
    """Drops the lines after a step, and returns the seconds that the run had taken by then.

    Args:
      path: of the log. With the step 0 it moves to `set_aside`.
      start_step: the number of updates that were made.
    """
    if not path.exists():
        return 0.0
    if start_step == 0:
        set_aside(path, path.parent / "set_aside")
        return 0.0
    kept = []
    for line in path.read_bytes().splitlines():
        record = sealed.parsed(line)
        if record is not None and record.get("step", math.inf) <= start_step:
            kept.append((line, record))
    write_atomically(path, b"".join(_checked(line, record) for line, record in kept))
    return float(kept[-1][1].get("seconds", 0.0)) if kept else 0.0


def _checked(line: bytes, record: Mapping[str, Any]) -> bytes:
    """Returns a line with its check, which those of earlier releases lack."""
    return line + b"\n" if sealed.is_sound(line) else sealed.line(record).encode()

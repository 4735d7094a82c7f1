"""How far a run has come: the one definition that a run, its study and its report share.

A run has ended if its summary is there and can be read, and its records have a line for each of its
steps. A summary beside records with missing lines is no end: a report would lack their numbers.
"""

from pathlib import Path
from typing import Any, Literal, TypeAlias

from train.folder import sealed

State: TypeAlias = Literal["ended", "halted", "failed", "unfinished", "missing"]
"""How far a run has come. halted: its guard stopped it. failed: it could not be made, and is tried
again. unfinished: it has begun. missing: it has not."""
_TRAIN = b'{"kind": "train"'
_BEGUN = ("config.json", "summary.json", "halted.json")


def state(folder: Path, *, goes_on: bool = False) -> State:
    """Returns how far a run has come.

    Args:
      folder: of the run, which need not be there.
      goes_on: whether the run goes on after a first halt, with another schedule.
    """
    halted = read(folder / "halted.json")
    if has_ended(folder):
        return "ended"
    if halted and not (goes_on and "again" not in halted):
        return "halted"
    if failure(folder):
        return "failed"
    if halted:
        return "halted"
    return "unfinished" if num_steps(folder) else "missing"


def is_over(folder: Path, *, goes_on: bool = False) -> bool:
    """Tells whether a run has ended or was halted for good: no further number will come.

    Args:
      folder: of the run, which need not be there.
      goes_on: as for `state`.
    """
    halted = read(folder / "halted.json")
    return has_ended(folder) or bool(halted and not (goes_on and "again" not in halted))


def has_ended(folder: Path) -> bool:
    """Tells whether all steps of a run are made and its records are whole."""
    summary = read(folder / "summary.json")
    measured = [value for name, value in summary.items() if name.startswith("test_")]
    return bool(measured) and None not in measured and num_steps(folder) == summary.get("steps")


def is_begun(folder: Path) -> bool:
    """Tells whether a run has begun, so that its settings are bound."""
    return any((folder / name).exists() for name in _BEGUN)


def num_steps(folder: Path) -> int:
    """Returns how many steps the records of a run have."""
    path = folder / "metrics.jsonl"
    if not path.exists():
        return 0
    # A line that was cut short ends without a brace. Whole lines are not parsed: a study has
    # millions of them.
    lines = path.read_bytes().splitlines()
    return sum(line.startswith(_TRAIN) and line.endswith(b"}") for line in lines)


def failure(folder: Path) -> str:
    """Returns the sentence that says why a run could not be made; empty if none says so."""
    return str(read(failure_file(folder)).get("why", ""))


def failure_file(folder: Path) -> Path:
    """Returns the file that says why a run could not be made. It lies in the study's folder.

    It is not in the run's own folder: that of a run that never began would be no run's.
    """
    return folder.parent / "failed" / f"{folder.name}.json"


def read(path: Path) -> dict[str, Any]:
    """Reads a file of JSON; empty if there is none, or it is damaged.

    Raises:
      UserError: a newer release wrote it.
    """
    try:
        return sealed.read(path, may_be_open=True)
    except sealed.Damaged:
        return {}

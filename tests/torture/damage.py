"""Random damage to the files of a run: each start afterwards is compared with an unhurt one."""

import collections
import shutil
from pathlib import Path

import numpy as np

from train.errors import UserError
from train.folder import ending, sealed

from . import tiny

CLAIM = (
    "After a random flip, truncation, deletion or garbage in any file of a run, the run goes on to "
    "the same last state; a log that was hurt is mended or its lost lines are marked, and the "
    "message names the file. Nothing is said where nothing is read: of events for TensorBoard, "
    "`set_aside`, locks, what Orbax does not need, and the arrays of checkpoints older than the "
    "one that the run goes on from."
)
COUNT = 1000
FEW = 12

_BASES = {"stopped": 10, "ended": None}
_NOT_READ = ("tensorboard", "set_aside", ".lock")


def torture(random: np.random.Generator, folder: Path, count: int) -> dict[str, int | float | str]:
    """Hurts copies of a run that was stopped and of one that has ended, a file at a time."""
    whole = folder / "whole"
    tiny.run(whole)
    expected = tiny.left(whole)
    for name, until in _BASES.items():
        tiny.run(folder / name, until=until)
    figures = collections.Counter[str](damages=count)
    for number in range(count):
        base = folder / str(random.choice([*_BASES]))
        files = tiny.files(base)
        path = files[random.integers(len(files))].relative_to(base)
        hurt = folder / "hurt"
        shutil.copytree(base, hurt)
        kind = _hurt(random, hurt / path)
        figures[_outcome(hurt, path, expected, f"{number}: {kind} of {base.name}/{path}")] += 1
        shutil.rmtree(hurt)
    return dict(figures)


def _hurt(random: np.random.Generator, path: Path) -> str:
    content = bytearray(path.read_bytes())
    kind = str(random.choice(["flip", "truncation", "deletion", "garbage"]))
    if kind == "deletion":
        path.unlink()
        return kind
    if not content:
        kind = "garbage"
    match kind:
        case "flip":
            content[random.integers(len(content))] ^= 1 << int(random.integers(8))
        case "truncation":
            del content[random.integers(len(content)) :]
        case _:
            content = bytearray(random.bytes(int(random.integers(1, 2 * len(content) + 100))))
    path.write_bytes(content)
    return kind


def _outcome(hurt: Path, path: Path, expected: tiny.Left, case: str) -> str:
    """Starts the run, checks all that it left, and returns what came of the damage."""
    try:
        said = tiny.run(hurt)
    except UserError as refusal:
        raise AssertionError(f"{case}: the run was refused: {refusal}") from refusal
    found = tiny.left(hurt)
    assert found.leaves == expected.leaves, f"{case}: other bits"
    assert found.step == tiny.STEPS and ending.has_ended(hurt), f"{case}: no end"
    for name in ("config.json", "summary.json"):
        sealed.read(hurt / name)
    lost = [line for line in found.lines if "lost" in line]
    others = [line for line in found.lines if "lost" not in line]
    assert all(line in expected.lines for line in others), f"{case}: other numbers"
    assert len(found.lines) == len(expected.lines), f"{case}: {len(found.lines)} lines"
    if not said:
        assert not lost, f"{case}: numbers were lost without a word"
        assert found.summary == expected.summary, f"{case}: another summary without a word"
        return "not read" if path.parts[0] in _NOT_READ else "without effect"
    assert _is_named(path, said), f"{case}: the message names another file: {said}"
    return "lines marked" if lost else "mended"


def _is_named(path: Path, said: str) -> bool:
    if path.parts[0] == "checkpoints":
        return f"checkpoint of step {path.parts[1]} is damaged" in said
    return path.name in said

"""Checkpoints of other runs in the folder of a run: each is refused by what differs."""

import collections
import shutil
from pathlib import Path

import numpy as np
from flax import nnx

from train.changes import changed
from train.config import Config
from train.errors import UserError

from . import tiny

CLAIM = (
    "A checkpoint of another run is refused in one sentence that names a field or a leaf which "
    "differs, with both values, and nothing changes on the disk."
)
COUNT = 50
FEW = 2


class Wider(tiny.Net):
    """A network whose leaves have other shapes."""

    def __init__(self, num_classes: int, rngs: nnx.Rngs) -> None:
        super().__init__(num_classes, rngs)
        self.more = nnx.Param(rngs.params.normal((3,)))


_ORIGINAL = tiny.config()
_OTHERS = {
    "seed": 1,
    "batch_size": 64,
    "optimizer.momentum": 0.5,
    "label_smoothing": 0.1,
    "head": "sigmoid",
    "augment.flip": True,
    "augment.crop_padding": 3,
    "num_train_images": 144,
    "schedule.peak_value": 0.5,
    "schedule.decay_steps": 3,
    "eval_epochs": 2,
    "model.builder": Wider,
}


def torture(random: np.random.Generator, folder: Path, count: int) -> dict[str, int | float | str]:
    """Puts checkpoints of other runs beside, or in place of, those of a run."""
    own = folder / "own"
    tiny.run(own, until=8)
    figures = collections.Counter[str](checkpoints=count)
    fields = sorted([*_OTHERS][number % len(_OTHERS)] for number in range(count))
    for number, field in enumerate(fields):
        # Many differ in the seed, too, so that no two are the same.
        seed = {} if number % 3 else {"seed": int(random.integers(2, 2**32))}
        given = changed(_ORIGINAL, {field: _OTHERS[field], **seed})
        other = folder / "other"
        tiny.run(other, given, until=10)
        foreign = max((other / "checkpoints").glob("[0-9]*"), key=lambda path: int(path.name))
        for has_record in (True, False):
            mixed = folder / "mixed"
            shutil.copytree(own, mixed)
            if not has_record:  # the record is then that of the foreign checkpoint
                shutil.rmtree(mixed / "checkpoints")
                (mixed / "config.json").unlink()
            shutil.copytree(foreign, mixed / "checkpoints" / foreign.name, dirs_exist_ok=True)
            figures["refusals"] += _refused(mixed, _ORIGINAL, field, f"{number}: {field}")
            shutil.rmtree(mixed)
        shutil.rmtree(other)
    return dict(figures)


def _refused(mixed: Path, given: Config, field: str, case: str) -> bool:
    before = _whole(mixed)
    try:
        tiny.run(mixed, given)
    except UserError as refusal:
        said = str(refusal)
    else:
        raise AssertionError(f"{case}: the checkpoint was taken")
    assert field in said and " here" in said, f"{case}: the refusal names something else: {said}"
    assert "\n" not in said, f"{case}: more than one line"
    assert _whole(mixed) == before, f"{case}: something changed on the disk"
    return True


def _whole(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in tiny.files(folder) if path.name != ".lock"}

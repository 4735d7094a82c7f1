"""Which checkpoints are kept, under metrics with NaN, infinities, ties and gaps."""

import collections
import math
import shutil
from pathlib import Path

import numpy as np

from train.folder import steps
from train.folder.checkpoint import Checkpoints

CLAIM = (
    "After each save the two newest checkpoints and the one of the highest score are there, and no "
    "other; a NaN or an infinity is no score, of equal scores the newest counts, and a restart "
    "changes nothing."
)
COUNT = 557
FEW = 20

_MOST_IN_A_RUN = 25
_ODD = (None, math.nan, math.inf, -math.inf)


def torture(random: np.random.Generator, folder: Path, count: int) -> dict[str, int | float | str]:
    """Makes runs of saves at random steps under random scores, with restarts between them."""
    figures = collections.Counter[str](saves=count)
    saved = 0
    while saved < count:
        length = min(int(random.integers(1, _MOST_IN_A_RUN + 1)), count - saved)
        where = folder / "checkpoints"
        _one_run(random, where, length, figures)
        shutil.rmtree(where)
        saved += length
        figures["runs"] += 1
    return dict(figures)


def _one_run(
    random: np.random.Generator, where: Path, length: int, figures: collections.Counter[str]
) -> None:
    scores: dict[int, float] = {}
    made: list[int] = []
    while len(made) < length:
        with Checkpoints(where) as checkpoints:
            if made:
                found = checkpoints.restore(lambda _: {"step": np.int32(0)})
                assert found is not None and found.state["step"] == found.step == made[-1], made
                figures["restarts"] += 1
            for _ in range(int(random.integers(1, length - len(made) + 1))):
                step = (made[-1] if made else 0) + int(random.integers(1, 9))
                score = _score(random)
                figures["no_score"] += score is None or not math.isfinite(score)
                state = {"step": np.int32(step)}
                checkpoints.save(step, state, about={}, score=score, wait=True)
                made.append(step)
                if score is not None and math.isfinite(score):
                    scores[step] = score
                _check(where, checkpoints, made, scores)


def _score(random: np.random.Generator) -> float | None:
    if random.random() < 0.4:
        return _ODD[random.integers(len(_ODD))]
    return float(random.integers(5)) / 4  # so that there are ties


def _check(
    where: Path, checkpoints: Checkpoints, made: list[int], scores: dict[int, float]
) -> None:
    best = max(scores, key=lambda step: (scores[step], step), default=None)
    case = f"steps {made}, scores {scores}"
    assert set(steps.known(where)) == {*made[-2:], best} - {None}, case
    assert checkpoints.best_step() == best, case

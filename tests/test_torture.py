"""The parts of `tests/torture`, each with a few cases. `make torture` runs them in full."""

import numpy as np
import pytest
from torture import best_and_newest, damage, foreign, not_finite, unflushed

from train.folder import checkpoint
from train.folder.same_run import SameRun


@pytest.mark.parametrize(
    ("part", "count"),
    [(damage, 12), (unflushed, 8), (foreign, 2), (not_finite, 24), (best_and_newest, 20)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_part_keeps_its_promise(part, count, tmp_path):
    figures = part.torture(np.random.default_rng(0), tmp_path, count)
    assert figures and part.CLAIM.endswith(".") and count < part.COUNT


def test_a_promise_that_is_broken_is_found_and_the_case_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_best", lambda scores: min(scores, default=None))
    with pytest.raises(AssertionError, match="steps .*scores"):
        best_and_newest.torture(np.random.default_rng(0), tmp_path / "best", 20)
    monkeypatch.setattr(SameRun, "epochs", lambda self, manifest: self.held["epochs"])
    with pytest.raises(AssertionError, match="0: augment.crop_padding: the checkpoint was taken"):
        foreign.torture(np.random.default_rng(0), tmp_path / "foreign", 12)

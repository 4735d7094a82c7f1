"""The parts of `tests/torture` find a promise that is broken, and name the case."""

import numpy as np
import pytest
from torture import best_and_newest, foreign

from train.folder import checkpoint
from train.folder.same_run import SameRun


def test_a_promise_that_is_broken_is_found_and_the_case_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_best", lambda scores: min(scores, default=None))
    with pytest.raises(AssertionError, match="steps .*scores"):
        best_and_newest.torture(np.random.default_rng(0), tmp_path / "best", 20)
    monkeypatch.setattr(SameRun, "epochs", lambda self, manifest: self.held["epochs"])
    with pytest.raises(AssertionError, match="0: augment.crop_padding: the checkpoint was taken"):
        foreign.torture(np.random.default_rng(0), tmp_path / "foreign", 12)

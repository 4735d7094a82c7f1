"""The guard: it trips on the exact step, and the state stays the one before it."""

import jax
import numpy as np
import pytest
import small

from train.config import Halt
from train.engine import guard
from train.run.job import prepare


def is_bad(loss=1.0, other=1.0, step=10, watch_from=5, threshold=4.5):
    state = type("State", (), {"step": step, "watch_from": watch_from})
    numbers = (np.float32(number) for number in (loss, 0.1, other))
    return bool(guard.is_bad(Halt(threshold=threshold), state, *numbers))


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({}, False),
        ({"loss": 4.5}, False),
        ({"loss": 4.51}, True),
        ({"loss": 4.51, "step": 4}, False),
        ({"loss": 4.51, "step": 5}, True),
        ({"loss": 100.0, "threshold": None}, False),
        ({"loss": np.nan, "step": 0, "threshold": None}, True),
        ({"other": np.inf, "step": 0}, True),
        ({"other": np.nan, "step": 0, "threshold": None}, True),
    ],
    ids=str,
)
def test_it_trips_on_the_threshold_after_the_grace_and_on_what_is_not_finite(case, expected):
    assert is_bad(**case) == expected


@pytest.fixture(scope="module")
def halted():
    """A run whose loss is far above its threshold from step 3 on, when the grace ends."""
    job = prepare(small.config(halt=Halt(threshold=1e-3)))
    engine = job.engine
    data = job.place_splits()["train"]

    def start():
        state = jax.device_get(jax.jit(job.create_state)())
        return engine.place(state._replace(watch_from=np.int32(3)))

    before, _ = engine.train(start(), data, job.indices(range(3)))
    before = jax.device_get(before)
    after, metrics = engine.train(start(), data, job.indices(range(8)))
    return before, jax.device_get(after), metrics


def test_the_state_stays_the_one_before_the_step_that_went_wrong(halted):
    before, after, _ = halted
    assert after.halted and not before.halted
    assert after.step == before.step == 3
    jax.tree.map(np.testing.assert_array_equal, after._replace(halted=before.halted), before)


def test_the_sentence_names_the_number(halted):
    _, _, metrics = halted
    assert metrics["halted"].tolist() == [False] * 3 + [True] * 5
    said = guard.why(Halt(threshold=1e-3), metrics)
    assert said == f"its loss was {metrics['loss'][3]:.4g}, above the threshold of 0.001"


def test_nothing_is_said_of_a_chunk_that_went_well():
    assert guard.why(Halt(), {"halted": np.zeros(4, bool)}) is None


def test_a_number_that_is_not_finite_is_named():
    metrics = {
        "halted": np.array([False, True, True]),
        "loss": np.array([1.0, 1.0, 1.0]),
        "grad_norm": np.array([1.0, np.nan, 1.0]),
        "update_norm": np.array([1.0, 1.0, 1.0]),
        "learning_rate": np.array([0.1, 0.1, 0.1]),
    }
    assert guard.why(Halt(), metrics) == "its grad_norm was nan"

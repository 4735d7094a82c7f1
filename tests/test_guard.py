"""The guard: it trips on the exact step, and the state stays the one before it."""

import dataclasses
import json

import jax
import numpy as np
import pytest
import small
from PIL import Image

import log_anneal as la
from train.config import Halt
from train.engine import guard
from train.errors import Halted
from train.folder.log import read_metrics
from train.run import loop
from train.run.job import prepare

pytestmark = pytest.mark.usefixtures("unoptimized")


def is_bad(loss=1.0, other=1.0, step=10, watch_from=5, threshold=4.5):
    state = type("State", (), {"step": step, "watch_from": watch_from})
    numbers = (np.float32(number) for number in (loss, 0.1, other))
    return bool(guard.is_bad(threshold, state, *numbers))


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
    reason = guard.why(1e-3, metrics, num_classes=10)
    assert reason.is_threshold
    assert reason.words == (
        f"its loss was {metrics['loss'][3]:.4g}, above the threshold of 0.001, "
        "which is below the 2.3 of a guess among 10 classes"
    )


def test_nothing_is_said_of_a_chunk_that_went_well():
    assert guard.why(4.5, {"halted": np.zeros(4, bool)}, 10) is None


def test_a_number_that_is_not_finite_is_named():
    metrics = {
        "halted": np.array([False, True, True]),
        "loss": np.array([1.0, 1.0, 1.0]),
        "grad_norm": np.array([1.0, np.nan, 1.0]),
        "update_norm": np.array([1.0, 1.0, 1.0]),
        "learning_rate": np.array([0.1, 0.1, 0.1]),
    }
    reason = guard.why(4.5, metrics, 10)
    assert (reason.words, reason.is_threshold) == ("its grad_norm was nan", False)


@pytest.mark.parametrize(
    ("num_classes", "expected"), [(1, 4.5), (2, 4.5), (10, 4.605), (91, 9.022), (1000, 13.816)]
)
def test_the_threshold_is_by_itself_far_above_a_guess(num_classes, expected):
    assert guard.threshold(Halt(), num_classes) == pytest.approx(expected, abs=1e-3)
    assert guard.threshold(Halt(threshold=4.5), num_classes) == 4.5
    assert guard.threshold(Halt(threshold=None), num_classes) is None


@pytest.mark.parametrize(
    ("threshold", "num_classes", "end"),
    [
        (4.5, 10, "above the threshold of 4.5"),
        (4.5, 91, "which is below the 4.51 of a guess among 91 classes"),
        (4.5, 60, "which is near the 4.09 of a guess among 60 classes"),
        (9.2, 91, "above the threshold of 9.2"),
    ],
)
def test_a_threshold_that_a_guess_would_pass_is_said(threshold, num_classes, end):
    metrics = {
        "halted": np.array([True]),
        **{name: np.ones(1) for name in ("grad_norm", "update_norm", "learning_rate")},
        "loss": np.array([10.0]),
    }
    assert guard.why(threshold, metrics, num_classes).words.endswith(end)


@pytest.fixture(scope="module")
def many_classes(tmp_path_factory):
    """A folder with two images of each of 120 classes, which are noise."""
    folder = tmp_path_factory.mktemp("many")
    draw = np.random.default_rng(0)
    for split in ("train", "test"):
        for number in range(120):
            (folder / split / f"{number:03}").mkdir(parents=True)
            for name in ("a", "b"):
                pixels = draw.integers(0, 256, (32, 32, 3), np.uint8)
                Image.fromarray(pixels).save(folder / split / f"{number:03}" / f"{name}.png")
    return small.config(
        dataset=folder, batch_size=60, eval_batch_size=120, schedule=la.constant_schedule(0.01)
    )


@pytest.mark.slow  # 14 s
def test_a_run_of_many_classes_is_not_halted_by_itself(many_classes, tmp_path, capsys):
    config = dataclasses.replace(many_classes, halt=Halt(grace_epochs=0))
    strict = dataclasses.replace(config, halt=Halt(threshold=4.5, grace_epochs=0))
    with pytest.raises(Halted, match="below the 4.79 of a guess among 120 classes") as halted:
        loop.run(strict, tmp_path)
    assert halted.value.step == 0
    capsys.readouterr()
    loop.run(config, tmp_path)
    assert 'halt.threshold was 4.5 and is "auto" from step 0 on' in capsys.readouterr().out
    losses = [line["loss"] for line in read_metrics(tmp_path / "metrics.jsonl")]
    assert len(losses) == 2 * 4 + 2 and max(losses) > 4.5
    record = json.loads((tmp_path / "config.json").read_text())
    assert record["halt"]["threshold"] == "auto"
    assert record["changes"] == [{"step": 0, "was": {"halt.threshold": 4.5}}]

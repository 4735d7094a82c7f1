"""The guard: it trips on the exact step, and the state stays the one before it."""

import dataclasses
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small
from PIL import Image

import log_anneal as la
from train.engine import guard, reason
from train.engine.state import TrainState
from train.errors import Halted
from train.folder.log import read_metrics
from train.halt import Halt
from train.run import loop
from train.run.job import prepare
from train.tasks.task import Guess

pytestmark = pytest.mark.usefixtures("unoptimized")

HALT = Halt()
LEAVES = ["params/kernel", "batch_stats/mean", "opt_state/trace"]


def a_state(**changes):
    """A state of four numbers, whose last 64 losses were 1, with a scatter of 0.1."""
    recent = np.float32(1 + 0.1 * np.linspace(-2, 2, 64))
    zero = jnp.zeros(1)
    parts = {part: {name: zero} for part, name in (leaf.split("/") for leaf in LEAVES)}
    numbers = {"step": 10, "watch_from": 5, "skipped": 0, "seed": 0, "halted": False}
    return TrainState(**{**parts, **numbers, "recent": jnp.asarray(recent), **changes})


def judge(loss=1.0, other=1.0, threshold=4.5, rule=HALT, new=(), **state):
    before = a_state(**state)
    after = before._replace(
        step=before.step + 1, **{"params": {"kernel": jnp.ones(1)}, **dict(new)}
    )
    numbers = (jnp.float32(number) for number in (loss, 0.1, other))
    return guard.judge(rule, threshold, before, after, *numbers)


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
        ({"loss": 4.1, "rule": Halt(spike=20)}, True),
        ({"loss": 3.9, "rule": Halt(spike=20)}, False),
        ({"loss": 4.1, "rule": Halt(spike=20), "step": 4}, False),
        ({"loss": 4.1, "rule": Halt(spike=20), "recent": jnp.full(64, jnp.nan)}, False),
        ({"loss": 1.21, "rule": Halt(spike=20), "recent": jnp.ones(64)}, True),
        ({"loss": 1.19, "rule": Halt(spike=20), "recent": jnp.ones(64)}, False),
        ({"loss": 4.51, "rule": Halt(action="ignore")}, False),
        ({"loss": np.nan, "rule": Halt(action="ignore")}, True),
        ({"loss": 4.51, "rule": Halt(action="skip")}, False),
        ({"loss": 4.51, "rule": Halt(action="skip", skip_limit=3), "skipped": 2}, False),
        ({"loss": 4.51, "rule": Halt(action="skip", skip_limit=3), "skipped": 3}, True),
        ({"loss": 1.0, "halted": True}, True),
    ],
    ids=str,
)
def test_it_halts_on_what_is_too_high_after_the_grace_and_on_what_is_not_finite(case, expected):
    judged = judge(**case)
    assert bool(judged.metrics["halted"]) == bool(judged.state.halted) == expected
    is_made = float(judged.state.params["kernel"][0]) == 1
    assert is_made == (not expected and not judged.metrics["skipped"])


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", range(3))
def test_a_number_that_is_not_finite_is_found_in_every_array_of_the_new_state(place, number):
    part, name = LEAVES[place].split("/")
    judged = judge(new={part: {name: jnp.array([1.0, number])}}, rule=Halt(threshold=None))
    assert judged.metrics["halted"] and judged.metrics["bad_leaf"] == place
    assert guard.leaf_names(a_state()) == LEAVES


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


def why(metrics, place=0, threshold=4.5, num_classes=10):
    guess = Guess(math.log(num_classes), f"a guess among {num_classes} classes")
    shown = {"threshold": threshold, "guess": guess, "leaf_names": LEAVES}
    return reason.why(metrics, place, **shown)


def of_one_step(**numbers):
    """The metrics of a step whose loss is above the threshold, with other numbers."""
    names = ("loss", "grad_norm", "update_norm", "learning_rate")
    usual = {**dict.fromkeys(names, 1.0), "bad_leaf": guard.NO_LEAF, "not_finite": False}
    usual |= {"above_threshold": True, "spike": False}
    return {name: np.array([value]) for name, value in {**usual, **numbers}.items()}


def test_the_sentence_names_the_number(halted):
    _, _, metrics = halted
    assert metrics["halted"].tolist() == [False] * 3 + [True] * 5
    said = why(metrics, 3, 1e-3)
    assert said.is_threshold
    assert said.words == (
        f"its loss was {metrics['loss'][3]:.4g}, above the threshold of 0.001, "
        "which is below the 2.3 of a guess among 10 classes"
    )


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"grad_norm": np.nan, "not_finite": True}, "its grad_norm was nan"),
        (
            {"loss": np.inf, "not_finite": True, "bad_leaf": 0},
            "its loss was inf, and after it params/kernel had a number that is not finite",
        ),
        (
            {"not_finite": True, "bad_leaf": 1},
            "after it batch_stats/mean had a number that is not finite",
        ),
        (
            {"loss": 7.25, "above_threshold": False, "spike": True},
            "its loss was 7.25, a spike above the losses of the steps before, as `halt.spike` "
            "finds it",
        ),
    ],
)
def test_what_was_wrong_is_named(numbers, words):
    said = why(of_one_step(**numbers))
    assert (said.words, said.is_threshold) == (words, False)


@pytest.mark.parametrize(
    ("num_classes", "expected"), [(1, 4.5), (2, 4.5), (10, 4.605), (91, 9.022), (1000, 13.816)]
)
def test_the_threshold_is_by_itself_far_above_a_guess(num_classes, expected):
    assert guard.threshold(Halt(), math.log(num_classes)) == pytest.approx(expected, abs=1e-3)
    assert guard.threshold(Halt(threshold=4.5), math.log(num_classes)) == 4.5
    assert guard.threshold(Halt(threshold=None), math.log(num_classes)) is None


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
    assert why(of_one_step(loss=10.0), 0, threshold, num_classes).words.endswith(end)


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


def test_a_step_that_was_skipped_does_not_hide_the_spikes_after_it():
    """The losses of the last steps that were made decide, however many were skipped between."""
    rule = Halt(threshold=None, spike=20.0, action="skip", skip_limit=100)
    state = a_state(recent=jnp.full(64, jnp.nan), watch_from=0, step=0)
    found = []
    for step in range(140):
        loss = {60: np.nan}.get(step, 100.0 if step > 60 and step % 10 == 0 else 1.0)
        numbers = (jnp.float32(loss), jnp.float32(1.0))
        judged = guard.judge(rule, None, state, state._replace(step=step + 1), *numbers)
        found += [step] if judged.metrics["spike"] else []
        state = judged.state
    # Of 64 losses that were made, the last comes with step 64.
    assert found == [70, 80, 90, 100, 110, 120, 130]

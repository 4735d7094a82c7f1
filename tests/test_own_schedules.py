"""Schedules of the user's own in the trainer: each is tried before the first step."""

import json
import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small

import log_anneal as la
from train.errors import UserError
from train.run.loop import run

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")


def config(schedule):
    return small.config(
        schedule=schedule,
        schedule_unit="steps",
        epochs=2,
        batch_size=120,
        num_train_images=240,
        num_test_images=60,
    )


def plain(step):
    return 0.1 if step < 2 else 0.01


WRONG = {
    "NumPy": (lambda step: np.cos(step), "TracerArrayConversionError.* `log_anneal.tabulated_sch"),
    "if": (plain, "can trace, and raises TracerBool.*, which calls it step by step"),
    "math": (lambda step: math.exp(-step), "can trace, and raises .*tabulated_schedule"),
    "shape": (lambda step: jnp.ones(3) * step, r"got an array of shape \(3,\)"),
    "two arguments": (lambda step, epoch: 0.1, "TypeError: .*'epoch' at step 0. It is called with"),
    "exception": (lambda step: 1 / 0, "raises ZeroDivisionError: division by zero at step 0"),
    "not a number": (lambda step: jnp.log(2.0 - step), r"got -inf at step 2 of 4\. Mend it there"),
    "negative": (lambda step: 0.1 - 0.05 * step, "got -0.05 at step 3 of 4.*maximum"),
    "difference": (la.constant_schedule(0.1) - 0.2, "got -0.1 at step 0 of 4"),
    "text": (lambda step: "0.1", "return a real number for each step, got '0.1'"),
    "nothing": (lambda step: None, "return a real number for each step, got .*None"),
    "truth": (lambda step: step > 3, "return a real number for each step, got bool"),
}
RIGHT = {
    "function": lambda step: 0.1 / (1 + step),
    "constant": lambda step: 0.1,
    "below 0 after the run": lambda step: 0.1 - 0.03 * step,
    "optax": optax.cosine_decay_schedule(0.1, 20),
    "tabulated": la.tabulated_schedule(plain, num_steps=20),
    "held at 0": la.maximum(la.constant_schedule(0.1) - 0.2, 0.0),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_schedule_is_told_in_one_sentence_before_anything_is_made(tmp_path, name):
    schedule, said = WRONG[name]
    with pytest.raises(UserError, match=rf"^`schedule` must .*{said}") as refused:
        run(config(schedule), tmp_path / "run", is_quiet=True)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.glob("run/*.json*"))


@pytest.mark.parametrize("name", RIGHT)
def test_any_function_that_jax_can_trace_trains(tmp_path, name):
    run(config(RIGHT[name]), tmp_path / "run", is_quiet=True)
    lines = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    rates = [line["learning_rate"] for line in lines if line["kind"] == "train"]
    np.testing.assert_allclose(rates, [float(RIGHT[name](step)) for step in range(4)], rtol=1e-6)

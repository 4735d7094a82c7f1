"""The task of regression: its losses are the expected ones, and without noise the closed form."""

import jax
import numpy as np
import pytest
from every_task import EVERY_TASK

import log_anneal as la
from train.config import Config
from train.errors import UserError
from train.halt import Halt
from train.least_squares import descent_loss, sgd_loss
from train.optimizer import OptimizerConfig
from train.run.job import prepare
from train.tasks.regression import Regression

PLAIN = OptimizerConfig(momentum=0.0, weight_decay=0.0)


def a_run(task: Regression, **changes) -> Config:
    """Six steps, of 20 examples each."""
    return Config(
        task=task,
        epochs=1,
        batch_size=20,
        optimizer=PLAIN,
        halt=Halt(threshold=None),
        schedule=la.cyclical_cosine_schedule(peak_value=0.9, end_value=0.1, decay_steps=1),
        **changes,
    )


def excess(config: Config) -> float:
    """The excess loss after all steps of a run, which lie in one epoch."""
    job = prepare(config)
    splits = job.place_splits()
    state = job.engine.place(jax.device_get(job.create_state()))
    state, _ = job.engine.train(state, splits["train"], job.indices(range(job.total_steps)))
    return job.evaluate(state, splits["test"], "test")["excess"]


def test_a_descent_without_noise_ends_where_its_closed_form_does():
    task = Regression(size=40, noise=0.0, is_sampled=False, examples=120)
    config = a_run(task)
    rates = prepare(config).rates
    assert len(rates) == 6
    closed = float(descent_loss(task.problem(config), rates))
    assert excess(config) == pytest.approx(closed, rel=1e-6)
    assert closed < 0.3


def test_runs_end_in_the_mean_at_the_expected_loss():
    task = Regression(size=8, decay=1.0, noise=0.5, examples=120)
    ends = np.array([excess(a_run(task, seed=seed)) for seed in range(60)])
    config = a_run(task)
    expected = float(sgd_loss(task.problem(config), 0.5, prepare(config).rates))
    error = ends.std(ddof=1) / len(ends) ** 0.5
    assert abs(ends.mean() - expected) < 4 * error
    assert error < 0.1 * expected


def test_the_expected_loss_stands_beside_a_run_of_plain_sgd_alone():
    for config, is_known in (
        (a_run(Regression(size=8, examples=120)), True),
        (a_run(Regression(size=8, examples=120, is_sampled=False)), False),
        (EVERY_TASK["regression"](), False),  # which has momentum
    ):
        task = config.task
        data = task.load(config)
        result = task.result(config, data, lambda inputs, task=task: np.zeros(task.size))
        assert bool(result.baselines) == is_known
        assert result.files["regression.png"].startswith(b"\x89PNG")


def test_another_data_set_is_refused():
    with pytest.raises(UserError, match=r"`dataset` must be power_law for the task regression, go"):
        prepare(a_run(Regression(), dataset="cifar10"))

"""The best rates on least squares: exact losses, searches that find known optima, and the page."""

import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import ROOT

from train.__main__ import main
from train.errors import UserError
from train.least_squares import LeastSquares, descent_loss, sgd_loss
from train.optimum.best import search
from train.optimum.kinds import shapes, try_all
from train.study.load import load_study

STUDY = ROOT / "configs/study_schedules.py"
RATES = np.array([0.5, 1.7, 0.2, 0.9, 0.05])
ONE_AXIS = LeastSquares(size=1, batch_size=4)


@pytest.fixture(autouse=True)
def exact():
    with jax.enable_x64(True):
        yield


def best_on_one_axis(noise, num_steps):
    """On one axis, the best rate of each step is the one that is best for the step alone."""
    square, rates = 1.0, []
    for _ in range(num_steps):
        curvature = (1 + 1 / 4) * square + (square + noise) / 4
        rates.append(square / curvature)
        square -= square**2 / curvature
    return np.array(rates), square


def test_the_loss_of_large_batches_is_that_of_descent_in_closed_form():
    problem = LeastSquares(size=40, batch_size=10**12)
    closed = float(descent_loss(problem, RATES))
    assert float(sgd_loss(problem, 0.0, RATES)) == pytest.approx(closed, rel=1e-6)
    assert float(descent_loss(problem, RATES[:0])) == pytest.approx(1)
    axes = [1 - RATES * variance for variance in np.arange(1.0, 41) ** -1.5]
    shares = np.arange(1.0, 41) ** -1.5
    by_hand = shares / shares.sum() @ [np.prod(axis) ** 2 for axis in axes]
    assert closed == pytest.approx(by_hand)


def test_the_loss_is_the_mean_over_runs_of_sgd():
    problem, noise, runs = LeastSquares(size=6, batch_size=3, decay=1.0), 0.4, 20_000
    variances, target = problem.variances(), problem.target()

    def loss(key):
        weights = jnp.zeros(problem.size)
        for step, rate in enumerate(RATES[:3] / 3):
            of_inputs, of_labels = jax.random.split(jax.random.fold_in(key, step))
            inputs = jax.random.normal(of_inputs, (3, problem.size)) * jnp.sqrt(variances)
            labels = inputs @ target + jnp.sqrt(noise) * jax.random.normal(of_labels, (3,))
            weights -= rate * inputs.T @ (inputs @ weights - labels) / 3
        return variances @ (weights - target) ** 2

    losses = jax.jit(jax.vmap(loss))(jax.random.split(jax.random.key(0), runs))
    expected = sgd_loss(problem, noise, RATES[:3] / 3)
    assert abs(losses.mean() - expected) < 4 * losses.std() / runs**0.5
    assert losses.std() / runs**0.5 < 0.005 * expected


@pytest.mark.parametrize("falls", [False, True])
def test_a_search_finds_the_optimum_where_it_is_known(falls):
    noises = np.array([0.3, 2.0])
    starts = np.broadcast_to([[0.1] * 8, np.linspace(0.9, 0.0, 8)], (2, 2, 8))
    found = search(ONE_AXIS, noises, starts, falls=falls, num_updates=200)
    for noise, each in zip(noises, found, strict=True):
        rates, loss = best_on_one_axis(noise, 8)
        np.testing.assert_allclose(each.rates, rates, rtol=2e-3)
        assert each.loss == pytest.approx(loss, rel=1e-6)
        assert len(each.others) == 1 and min(each.others) >= each.loss
        assert each.slope < 1e-3


def test_rates_that_must_not_rise_do_not_and_cost_something():
    problem, noises = LeastSquares(size=30, batch_size=8), np.array([0.001])
    starts = np.full((1, 1, 20), 0.7)
    free, falling = (
        search(problem, noises, starts, falls=falls, num_updates=60)[0] for falls in (False, True)
    )
    assert (np.diff(falling.rates) <= 0).all() and (np.diff(free.rates) > 0).any()
    assert free.loss < 0.99 * falling.loss


def test_each_kind_gets_the_best_of_many_base_rates():
    noises = np.array([0.3, 2.0])
    kinds = {"constant": np.ones(8), "falling": np.linspace(1, 0.2, 8)}
    for noise, tried in zip(noises, try_all(ONE_AXIS, noises, kinds), strict=True):
        for label, shape in kinds.items():
            bases = np.geomspace(0.01, 2, 5_000)
            losses = jax.vmap(lambda base, s=shape, n=noise: sgd_loss(ONE_AXIS, n, base * s))(bases)
            assert tried[label].loss == pytest.approx(float(losses.min()), rel=1e-3)
            np.testing.assert_allclose(tried[label].rates / tried[label].rates.max(), shape)


def test_the_shapes_are_those_of_the_study_stretched_to_the_run():
    found = shapes(load_study(STUDY, "laptop"), 60)
    assert {"cosine", "log, base 20", "constant", "triangular2"} < set(found)
    for label, shape in found.items():
        assert shape.shape == (60,) and shape.max() == 1, label
    assert found["cosine"][10] == 1 and found["cosine"][35] == pytest.approx(0.5, abs=0.02)


def test_a_study_or_a_length_that_cannot_be_tried_is_refused():
    with pytest.raises(UserError, match=r"`steps` must be a multiple of the study's 6 epochs"):
        shapes(load_study(STUDY, "laptop"), 61)
    with pytest.raises(UserError, match=r"need no range test, got triangular. Take another"):
        shapes(load_study(ROOT / "configs/study_smith.py", "smoke"), 60)
    with pytest.raises(UserError, match=r"must have an axis `schedule`"):
        shapes(load_study(ROOT / "configs/study_sensitivity.py", "smoke"), 60)


def test_the_command_writes_a_page_whose_numbers_hold_together(tmp_path, monkeypatch, capsys):
    words = ["--steps", "12", "--noises", "0.2", "0.5", "--problem.size", "12"]
    words += ["--num-updates", "20"]
    folder = tmp_path / "page"
    line = ["train", "optimum", str(STUDY), *words, "--workdir", str(folder)]
    monkeypatch.setattr("sys.argv", line)
    main()

    record = json.loads((folder / "optimum.json").read_bytes())
    text = (folder / "report.md").read_text()
    assert [each["noise"] for each in record["workloads"]] == [0.2, 0.5]
    for each in record["workloads"]:
        # Not even the best rates that never rise are as good as any; nor is a kind as they are,
        # unless it rises.
        assert 1 <= each["falling"] <= each["kinds"]["step decay"]
        assert min(each["kinds"].values()) >= 1
        assert len(each["best_rates"]) == 12
    means = {
        kind: np.prod([each["kinds"][kind] for each in record["workloads"]]) ** 0.5
        for kind in record["workloads"][0]["kinds"]
    }
    assert f" {min(means, key=means.get)} comes nearest" in re.sub(
        "[\u201c\u201d]", "", record["sentences"][0]
    )
    assert record["sentences"][0] in text and record["sentences"][0] in capsys.readouterr().out
    for name in ("ratios", "best_rates"):
        assert (folder / f"figures/{name}.png").stat().st_size > 5_000
    assert f"<h1>{text.splitlines()[0].removeprefix('# ')}" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "0"], "`steps.0` must be a whole number of at least 1, got 0"),
        (["--noises", "-1"], "`noises.0` must be a number of at least 0, got -1"),
        (["--steps"], "`--steps` must be at least one number"),
        (["--problem.decay", "0"], "`decay` must be a number above 0"),
    ],
)
def test_wrong_words_are_refused(words, message, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["train", "optimum", str(STUDY), *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())

"""Every configuration file builds, and is the experiment that it says it is."""

import jax
import pytest
from small import ROOT

from train import models
from train.commandline import load

FILES = sorted((ROOT / "configs").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_gives_a_config_whose_network_can_be_built(file):
    config = load(file)
    model = models.build(config.model, num_classes=10, axis_name="batch")
    params, _ = jax.eval_shape(model.init, jax.random.key(0))
    assert models.num_params(params) > 0
    rates = config.schedule_in_steps(390).at(list(range(config.epochs * 390)))
    assert (rates >= 0).all()
    assert rates.max() > rates.min() or "constant" in file.stem


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_says_how_to_run_itself(file):
    assert f"python -m train configs/{file.name}" in file.read_text()


def test_the_schedules_of_experiment_1_differ_in_nothing_else():
    log = load(ROOT / "configs/cifar10_resnet34_log.py").to_dict()
    for name in ("cosine", "step", "constant"):
        other = load(ROOT / f"configs/cifar10_resnet34_{name}.py").to_dict()
        assert {key for key in log if log[key] != other[key]} == {"schedule"}


def test_cosine_and_log_share_their_cycle():
    log = load(ROOT / "configs/cifar10_resnet34_log.py").schedule
    cosine = load(ROOT / "configs/cifar10_resnet34_cosine.py").schedule
    assert log.restarts(60) == cosine.restarts(60) == [15, 25, 45]
    for schedule in (log, cosine):
        assert [schedule.at(step) for step in (0, 5, 15, 25)] == pytest.approx(
            [1e-4, 0.1, 0.1, 0.1]
        )


def test_the_paper_can_be_run_as_printed():
    """Naveen 2024, section 2.1: the warm-up goes down and the first decay up."""
    import dataclasses

    log = load(ROOT / "configs/cifar10_resnet34_log.py").schedule
    printed = dataclasses.replace(log, peak_value=1e-4, init_value=0.01, restart_value=0.1)
    assert [printed.at(step) for step in (0, 5, 15)] == pytest.approx([0.01, 1e-4, 0.1])
    assert printed.at(14) > printed.at(5)

"""Every configuration file builds, and is the experiment that it says it is."""

import functools
import json

import jax
import numpy as np
import pytest
from small import ROOT

from train.models import build as models
from train.models.model import num_params
from train.report.claims.checks import CHECKS
from train.study.load import load, load_study

STUDIES = sorted((ROOT / "configs").glob("study_*.py"))
FILES = sorted(
    {*(ROOT / "configs").glob("*.py")}
    - {*STUDIES, ROOT / "configs/smoke.py", ROOT / "configs/laptop.py"}
)


@functools.cache
def parameters(model):
    """The shapes of a network's parameters, traced once for all files that name it."""
    built = models.build(model, num_classes=10, axis_name="batch")
    return jax.eval_shape(built.init, jax.random.key(0))[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_gives_a_config_whose_network_can_be_built(file):
    config = load(file)
    assert num_params(parameters(config.model)) > 0
    rates = config.schedule_in_steps(390).at(list(range(config.epochs * 390)))
    assert (rates >= 0).all()
    assert rates.max() > rates.min() or "constant" in file.stem


@pytest.mark.parametrize("size", ["smoke", "laptop", "full"])
@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_every_run_of_every_study_can_be_built_in_every_size(file, size):
    study = load_study(file, size)
    runs = study.runs()
    for config in {run.config.model: run.config for run in runs}.values():
        assert num_params(parameters(config.model)) > 0
    for run in runs[:: len(study.seeds)]:
        steps = np.arange(run.config.epochs * 8)
        rates = np.asarray(run.config.schedule_in_steps(8).at(steps))
        assert np.isfinite(rates).all() and (rates >= 0).all()
    assert len({(*run.labels.values(), run.seed) for run in runs}) == len(runs)
    assert {claim.check for claim in study.claims} <= CHECKS.keys()
    for claim in study.claims:
        for labels in (claim.arguments.get("of", {}), claim.arguments.get("than", {})):
            assert all(label in study.labels[axis] for axis, label in labels.items())


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_every_study_says_how_to_run_itself(file):
    assert f"python -m train study configs/{file.name} --size smoke\n" in file.read_text()


def test_the_smoke_sizes_take_parts_of_the_real_images():
    for file in STUDIES:
        for run in load_study(file, "smoke").runs():
            is_digits = run.config.dataset == "digits"
            assert is_digits or (run.config.dataset, bool(run.config.num_train_images)) == (
                "cifar10", True,
            )  # fmt: skip


def test_the_sane_cycle_of_the_study_is_that_of_its_config():
    study = load_study(ROOT / "configs/study_experiment1.py", "full")
    labels = {"head": "sigmoid", "cycle": "sane"}
    for label, name in (
        ("log, anchored", "log"), ("cosine", "cosine"), ("step", "step"), ("none", "constant"),
    ):  # fmt: skip
        config = load(ROOT / f"configs/cifar10_resnet34_{name}.py")
        found = study.config({**labels, "schedule": label}, 0)
        assert list(found.schedule.at(range(60))) == list(config.schedule.at(range(60)))
        others = ({**each.to_dict(), "schedule": None} for each in (found, config))
        assert next(others) == next(others)


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


def test_the_second_stage_of_smith_asks_what_the_first_left_open_under_new_seeds():
    first, second = (
        load_study(ROOT / f"configs/study_{name}.py", "laptop") for name in ("smith", "smith_again")
    )

    assert not set(first.seeds) & set(second.seeds)
    assert first.base == second.base
    assert first.range_tests == second.range_tests
    answers = json.loads((ROOT / "results/smith/report.json").read_bytes())["answers"]
    undecided = {answer["id"] for answer in answers if answer["verdict"] == "cannot tell"}
    assert {claim.id.replace("s2.", "s.") for claim in second.claims} == undecided
    tested = {claim.id.removeprefix("s."): claim for claim in first.claims}
    for claim in second.claims:
        before = tested[claim.id.removeprefix("s2.")]
        assert (claim.text, claim.check) == (before.text, before.check)
        assert claim.arguments["than"] == before.arguments["than"]

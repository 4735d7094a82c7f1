"""The network of a run, used after it."""

import dataclasses
import json
import re

import numpy as np
import pytest
import small

import log_anneal as la
from train import data
from train.errors import UserError
from train.run import trained
from train.run.loop import run

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    config = small.config(epochs=3, batch_size=240, validation_fraction=0.1)
    run(config, folder, is_quiet=True)
    return config, folder


def test_it_classifies_as_the_run_has_measured(made):
    config, folder = made
    before = sorted(path for path in folder.rglob("*"))
    test = data.load("digits", validation_fraction=0.1, seed=0).test
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    measured = {line["step"]: line for line in lines if line.get("split") == "test"}
    best = json.loads((folder / "summary.json").read_text())["best_step"]
    for is_best in (False, True):
        network = trained.load(config, folder, is_best=is_best)
        assert network.step == (best if is_best else max(measured))
        accuracy = np.mean(network.classes(test.images) == test.labels)
        assert accuracy == pytest.approx(measured[network.step]["accuracy"], abs=1e-6)
    assert network.class_names == tuple("0123456789")
    assert network.logits(test.images[:0]).shape == (0, 10)
    assert sorted(path for path in folder.rglob("*")) == before


def test_the_page_shows_how(made, tmp_path, capsys):
    _, folder = made
    page = (small.ROOT / "docs/trainer.md").read_text()
    _, block = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "config.py"
    changes = "epochs=3, batch_size=240, validation_fraction=0.1"
    file.write_text(small.CONFIG_FILE.replace("small.config()", f"small.config({changes})"))
    block = block.replace("configs/quickstart.py", str(file))
    exec(block.replace("runs/quickstart", str(folder)), {})
    assert re.match(r"\d+ \('0', .*'9'\) \[\d \d \d\]$", capsys.readouterr().out)


def test_what_cannot_be_used_is_said(made, tmp_path):
    config, folder = made
    with pytest.raises(UserError, match=r"`folder` must be that of a run with a checkpoint"):
        trained.load(config, tmp_path)
    with pytest.raises(UserError, match="is of another run"):
        trained.load(dataclasses.replace(config, seed=3), folder)
    network = trained.load(config.__class__(**vars(config)), folder)
    for images in (np.zeros((2, 32, 32, 3)), np.zeros((2, 28, 28), np.uint8)):
        with pytest.raises(UserError, match=r"`images` must be uint8 of shape \(n, 32, 32, 3\)"):
            network.classes(images)
    # Another schedule is no other network.
    other = dataclasses.replace(config, schedule=la.constant_schedule(0.1))
    assert trained.load(other, folder).step == network.step

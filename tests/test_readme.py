"""What the README says of the code is true."""

import re

import numpy as np
import pytest
from small import ROOT

import log_anneal as la

README = (ROOT / "README.md").read_text()


def test_the_example_runs_and_steps_at_the_schedules_rate(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(example.splitlines()) <= 14
    names = {}
    exec(example, names)
    schedule = names["schedule"]
    np.testing.assert_allclose(names["updates"]["w"], -schedule.at(0) * np.ones(3), rtol=1e-6)
    # What it prints is the rate of the next step, and the swap halves what follows.
    assert float(capsys.readouterr().out) == pytest.approx(schedule.at(1))
    (now,) = la.current(names["state"])
    assert now.rate == pytest.approx(schedule.at(1) / 2)


def test_every_file_and_make_target_that_it_names_is_there():
    for path in re.findall(r"(?:configs|docs|benchmarks|tests)/[\w.]+\.\w+", README):
        assert path == "configs/x.py" or (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (\w+)", README):
        assert f"\n{target}:" in makefile, target

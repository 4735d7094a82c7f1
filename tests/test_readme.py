"""What the README says of the code is true."""

import re

import numpy as np
from small import ROOT

README = (ROOT / "README.md").read_text()


def test_the_example_runs_and_steps_at_the_schedules_rate():
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(example.splitlines()) <= 12
    names = {}
    exec(example, names)
    rate = names["schedule"].at(0)
    np.testing.assert_allclose(names["updates"]["w"], -rate * np.ones(3), rtol=1e-6)


def test_every_file_and_make_target_that_it_names_is_there():
    for path in re.findall(r"(?:configs|docs|benchmarks|tests)/[\w.]+\.\w+", README):
        assert path == "configs/x.py" or (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (\w+)", README):
        assert f"\n{target}:" in makefile, target

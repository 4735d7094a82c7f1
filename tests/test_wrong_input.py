"""Wrong input, as the torture gives it a thousand times: here a few."""

import re

import numpy as np
import pytest
from torture import _wrong_cases, wrong_input


def test_wrong_commands_and_configurations_are_refused_in_a_line(tmp_path):
    figures = wrong_input.torture(np.random.default_rng(7), tmp_path, 60)
    assert figures["refused"] == 60
    ways = {name: count for name, count in figures.items() if name.startswith("by_")}
    assert set(ways) == {"by_file", "by_label", "by_line", "by_words"} and sum(ways.values()) == 60


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("`epochs` must be more.\nTake it.", "two lines"),
        ("It must be more.", "no name"),
        ("`epochs` is wrong.", "no rule"),
        ("invalid choice '0' for `epochs`, it must be 1.", "the words of the parser"),
    ],
)
def test_what_is_said_worse_is_found(said, why):
    case = wrong_input.Case("words", ["x.py", "--epochs", "0"], ("epochs",))
    wrong_input._check(case, "`epochs` must be a whole number of at least 1, got 0.")
    with pytest.raises(AssertionError):
        wrong_input._check(case, said)
    near = wrong_input.Case("words", [], ("epchs",), wrong="epchs", right="epochs")
    wrong_input._check(near, "`epchs` must be a field of Config. Did you mean epochs?")
    with pytest.raises(AssertionError):
        wrong_input._check(near, "`epchs` must be a field of Config. Did you mean seed?")


def test_what_is_right_is_found(tmp_path):
    (tmp_path / "good.py").write_text(
        f"{_wrong_cases.IMPORTS}def get_config():\n    return {_wrong_cases.GOOD}\n"
    )
    case = wrong_input.Case("words", [str(tmp_path / "good.py"), "--epochs", "3"], ("epochs",))
    with pytest.raises(AssertionError, match=re.escape("it was accepted")):
        wrong_input._in_process(case)

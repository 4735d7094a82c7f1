"""What the guide shows is so."""

import re

import pytest
from small import ROOT

from log_anneal._core.record import SCHEDULES
from train.study.load import load_study

PAGES = [path.name for path in sorted((ROOT / "docs").glob("*.md"))]


def test_the_blocks_of_the_guide_run_in_order():
    guide = (ROOT / "docs" / "schedules.md").read_text()
    names = {"__name__": "guide"}
    try:
        for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
            exec(block, names)
    finally:
        SCHEDULES.pop("saw", None)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page):
    text = (ROOT / "docs" / page).read_text()
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / "docs" / path).exists(), path


def test_the_study_of_the_guide_is_one(tmp_path):
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/studies.md").read_text(), re.DOTALL
    )
    file = tmp_path / "my_study.py"
    file.write_text(example)
    assert [len(load_study(file, size).runs()) for size in ("smoke", "full")] == [8, 12]
    assert load_study(file, "full").runs()[0].folder == "narrow-log-seed0"
    assert not load_study(file, "full").base.augment.flip  # a mirrored digit is no digit

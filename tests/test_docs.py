"""What the guide shows is so."""

import re

import pytest
from small import ROOT

from log_anneal._schedule import SCHEDULES

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

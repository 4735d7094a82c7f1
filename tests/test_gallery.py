"""The gallery shows every kind."""

import importlib
import inspect
import re
import sys
import typing

import pytest
from small import ROOT

import log_anneal as la
from log_anneal._core.record import SCHEDULES
from log_anneal.plot import plot

DOCS = ROOT / "docs"
PAGE = (DOCS / "gallery.md").read_text()


@pytest.fixture(scope="module")
def gallery():
    """What the page's calls make, as a list, by the link below each."""
    sys.path.insert(0, str(DOCS))
    try:
        made = importlib.import_module("draw").pictures("gallery")
    finally:
        sys.path.remove(str(DOCS))
    return {path: each if isinstance(each, list) else [each] for path, each in made.items()}


def is_of_the_library(cls):
    return cls.__module__ == "log_anneal" and getattr(la, cls.__name__, None) is cls


def test_every_class_is_drawn(gallery):
    drawn = {type(schedule).__name__ for schedules in gallery.values() for schedule in schedules}
    assert drawn >= {cls.__name__ for cls in SCHEDULES.values() if is_of_the_library(cls)}


def test_every_function_that_makes_a_schedule_is_named():
    functions = {name: each for name, each in vars(la).items() if inspect.isfunction(each)}
    for name, function in functions.items():
        made = typing.get_type_hints(function).get("return")
        if isinstance(made, type) and issubclass(made, la.Schedule) and made is not la.Schedule:
            assert f"la.{name}(" in PAGE, name


def test_every_call_has_a_picture(gallery):
    assert PAGE.count("```python") == 1 + len(gallery)
    for path, schedules in gallery.items():
        assert len(plot(schedules).axes[0].lines) >= len(schedules), path


def test_every_picture_is_linked_and_small(gallery):
    pictures = {f"gallery/{path.name}": path for path in (DOCS / "gallery").iterdir()}
    assert set(pictures) == set(gallery), "Run `python docs/draw.py`, and delete what is left over."
    sizes = [path.stat().st_size for path in pictures.values()]
    assert max(sizes) < 40_000
    assert sum(sizes) < 1_000_000


def test_every_link_of_the_page_leads_somewhere():
    links = re.findall(r"!\[.*?\]\((.*?)\)", PAGE)
    assert links
    assert all((DOCS / link).is_file() for link in links)

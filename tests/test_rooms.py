"""The rooms of the trainer: who may import whom, that no way leads back, and what a start loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from floors import floors
from small import ROOT

ROOMS = {
    "data": set(),
    "models": set(),
    "tasks": {"data", "models"},
    "engine": {"tasks"},
    "folder": set(),
    "report/pages": set(),
    "report/numbers": {"folder"},
    "loggers": {"folder"},
    "run": {"data", "engine", "folder", "loggers", "models", "tasks"},
    "report/claims": {"report/numbers", "report/pages"},
    "report/figures": {"report/numbers", "report/pages"},
    "report": {"folder", "report/numbers", "report/claims", "report/figures", "report/pages"},
    "study": {"data", "folder", "report", "report/claims", "run", "tasks"},
    "optimum": {"folder", "report/figures", "report/numbers", "report/pages", "study"},
    "cli": {"loggers", "optimum", "study"},
    "watch": {"folder", "report", "run", "study"},
}
"""Each room, and all the others that it may import. The files outside of them (the errors, the
configuration and its parts) are known to all."""

DOOR = {"cli", "engine", "report", "run", "watch"}
"""Of `__main__`, which nothing imports."""

HEAVY = ("flax", "matplotlib", "optuna", "orbax", "PIL", "scipy", "sklearn", "tensorflow_datasets")


def files() -> dict[str, Path]:
    """By their modules' names."""
    paths = sorted((ROOT / "train").rglob("*.py"))
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths}
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


FILES = files()


def known(name: str) -> set[str]:
    """The modules that a module imports anywhere, in functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(FILES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            each = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {path if path in FILES else node.module for path in each.values()}
    return (found & FILES.keys()) - {name}


def room(name: str) -> str:
    """The folder that a module lies in; empty where it lies in none."""
    folder = FILES[name].relative_to(ROOT / "train").parent.as_posix()
    return "" if folder == "." else folder


def test_every_folder_is_a_room() -> None:
    assert {room(name) for name in FILES} == {"", *ROOMS}


@pytest.mark.parametrize("here", ROOMS)
def test_a_room_imports_those_that_it_may(here: str) -> None:
    for name in FILES:
        if room(name) == here:
            strangers = {room(each) for each in known(name)} - {"", here}
            assert strangers <= ROOMS[here], name


def test_what_all_rooms_know_knows_the_networks_knobs_alone() -> None:
    outside = {name for name in FILES if room(name) == ""} - {"train.__main__"}
    for name in outside:
        assert {room(each) for each in known(name)} <= {"", "models"}, name
    assert {room(each) for each in known("train.__main__")} <= {"", *DOOR}


def test_no_import_leads_back_and_the_rooms_are_few_floors() -> None:
    floors({name: known(name) for name in FILES})
    assert floors(ROOMS) <= 7


def test_no_file_is_longer_than_250_lines() -> None:
    for path in FILES.values():
        assert len(path.read_text().splitlines()) <= 250, path


def test_a_start_loads_nothing_heavy() -> None:
    code = f"import sys, train.__main__; print([m for m in {HEAVY} if m in sys.modules])"
    run = [sys.executable, "-c", code]
    assert subprocess.check_output(run, text=True, cwd=ROOT).strip() == "[]"

"""The house's directions: who may import whom, and who alone may know a library."""

import ast
from pathlib import Path

import pytest
from small import ROOT

FILES = [
    path.relative_to(ROOT)
    for folder in ("log_anneal", "train", "configs")
    for path in sorted((ROOT / folder).rglob("*.py"))
]

DRAWING = ("figure.py", "picture.py", "run.py")
"""They import matplotlib inside functions, or for its types alone."""


def imports(path):
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(*modules):
    return {
        str(path)
        for path in FILES
        for name in imports(path)
        if any(name == module or name.startswith(f"{module}.") for module in modules)
    }


def test_the_library_knows_nothing_of_the_trainer():
    assert not {path for path in importers("train") if path.startswith("log_anneal/")}


def test_the_library_needs_jax_numpy_and_optax_alone():
    outside = {
        name.split(".")[0]
        for path in FILES
        if path.parts[0] == "log_anneal" and path.name not in DRAWING
        for name in imports(path)
    }
    import sys

    assert outside - set(sys.stdlib_module_names) <= {"jax", "numpy", "optax", "log_anneal"}


@pytest.mark.parametrize(
    ("library", "knowers"),
    [
        ("flax", "train/models/"),
        ("orbax", "train/checkpoint.py"),
        ("tyro", "train/commandline.py"),
        ("tensorboardX", "train/log.py"),
        ("sklearn", "train/digits.py"),
        ("rich", "train/terminal.py"),
        ("ray", "train/study_ray.py"),
        ("optuna", "train/tune"),
    ],
)
def test_one_place_knows_each_library(library, knowers):
    found = importers(library)
    assert found
    assert all(path.startswith(knowers) for path in found)


def test_only_the_files_of_the_data_know_tfds():
    """data.py has the arrays, sources.py and download.py the sets, digits.py a builder."""
    assert importers("tensorflow_datasets") == {
        "train/digits.py",
        "train/download.py",
        "train/sources.py",
    }


def test_tensorflow_is_imported_by_nobody():
    assert importers("tensorflow") == set()


def test_only_the_front_door_and_studies_import_the_loop_and_the_range_test():
    assert importers("train.loop") == {"train/__main__.py", "train/study_loop.py"}
    assert importers("train.range_test") == {"train/__main__.py", "train/study_loop.py"}


def test_the_trainer_reaches_the_library_where_a_schedule_is_named_used_or_drawn():
    found = {path for path in importers("log_anneal") if path.startswith("train/")}
    assert found == {
        "train/config.py",
        "train/job.py",
        "train/pictures.py",
        "train/program.py",
        "train/range_test.py",
        "train/report/records.py",
    }


def test_a_step_knows_neither_files_nor_data_sets():
    known = {name for name in imports(Path("train/step.py")) if name.startswith("train.")}
    assert not known & {"train.data", "train.log", "train.checkpoint", "train.loop", "train.job"}


def test_importing_the_library_imports_nothing_heavy():
    import subprocess
    import sys

    heavy = ("matplotlib", "flax", "orbax", "tensorflow_datasets", "train")
    code = f"import sys, log_anneal; print([m for m in {heavy} if m in sys.modules])"
    run = [sys.executable, "-c", code]
    assert subprocess.check_output(run, text=True, cwd=ROOT).strip() == "[]"

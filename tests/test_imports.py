"""The house's directions: who may import whom, and who alone may know a library."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from floors import floors
from small import ROOT

FILES = [
    path.relative_to(ROOT)
    for folder in ("log_anneal", "train", "configs")
    for path in sorted((ROOT / folder).rglob("*.py"))
]

DRAWING = {"_show/figure.py", "_range_test/picture.py", "_range_test/run.py"}
"""They import matplotlib inside functions, or for its types alone."""

FOR_KERAS = "compat/for_keras.py"
"""It has a class of Keras's, so that it imports Keras; no other file imports it."""

ROOMS = {
    "_core": set(),
    "_moved.py": set(),
    "_curve": {"_core"},
    "_optim": {"_core", "_curve", "_schedules.tabulated"},
    "_show": {"_core"},
    "fields.py": {"_core.fields"},
    "_laws": {"_core"},
    "plot.py": {"_show.figure", "_show.terminal"},
    "testing.py": {"_laws.broken", "_laws.check"},
    "_schedules": {"_core", "_curve"},
    "__main__.py": {"_core", "_show", "plot"},
    "_compose": {"_core", "_curve.tracks", "_schedules.constant"},
    "_range_test": {"_core", "_schedules.tabulated"},
    "compat": {"_core", "_curve", "_schedules", "_compose"},
    "__init__.py": {
        *("_core", "_curve", "_schedules", "_compose", "_optim", "_range_test"),
        *("_moved", "compat", "fields", "plot", "testing"),
    },
}
"""The rooms of the library, and all that each of them may import of the others."""

INSIDE_FUNCTIONS = {
    ("_show/figure.py", "matplotlib"): "an extra, which a picture needs and a schedule does not",
    ("_range_test/picture.py", "matplotlib"): "the same",
    ("compat/keras.py", "keras"): "an extra, whose backend the user may set before it is imported",
    ("compat/keras.py", "log_anneal"): "the one file that imports Keras when it is imported itself",
}
"""What the library imports when a function runs, and why not sooner."""

TRAINER_INSIDE_FUNCTIONS = {
    ("train/__main__.py", "train"): "each command loads what it needs, so that `--help` is quick",
    ("train/cli/study.py", "train"): "the way to Ray, which only `--executor ray` takes",
    ("train/data/digits.py", "sklearn"): "heavy, and needed once, when the digits are prepared",
    ("train/folder/tensorboard.py", "tensorboardX"): "it takes 0.3 s, and only a writer needs it",
    ("train/loggers/mlflow_run.py", "mlflow"): "an extra, which only `--log mlflow` needs",
    ("train/loggers/wandb_run.py", "wandb"): "an extra, which only `--log wandb` needs",
    ("train/study/journal.py", "optuna"): "an extra, which only a search needs",
    ("train/study/ranges.py", "optuna"): "the same",
    ("train/study/ray.py", "ray"): "an extra, which only `--executor ray` needs",
    ("train/study/ray.py", "train"): "that function is sent to a worker of Ray, and runs there",
}
"""The same of the trainer."""


@cache
def imports(path):
    """Every module that a file imports, anywhere in it."""
    found = []
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found += (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    return found


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
        if path.parts[0] == "log_anneal" and within(path) not in {*DRAWING, FOR_KERAS}
        for name in imports(path)
    }
    assert outside - set(sys.stdlib_module_names) <= {"jax", "numpy", "optax", "log_anneal"}


def within(path):
    """The path inside the library."""
    return path.relative_to("log_anneal").as_posix()


@cache
def library():
    """The files of the library by the names of their modules, less `log_anneal` in front."""
    files = {path for path in FILES if path.parts[0] == "log_anneal"}
    names = {path: within(path).removesuffix(".py").replace("/", ".") for path in files}
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def known(path):
    """The modules of the library that a file imports."""
    ours = library()
    found = {name.removeprefix("log_anneal.") for name in imports(path) if "log_anneal" in name}
    return {name for name in found if name in ours} - {"__init__"}


def is_inside(name, places):
    return any(name == place or name.startswith(f"{place}.") for place in places)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_the_library_imports_those_that_it_may(room):
    files = [path for path in library().values() if within(path).split("/")[0] == room]
    assert files
    for path in files:
        strangers = {
            name for name in known(path) if not is_inside(name, {room.removesuffix(".py")})
        }
        assert all(is_inside(name, ROOMS[room]) for name in strangers), (path, strangers)


def test_every_file_of_the_library_is_in_a_room():
    assert {within(path).split("/")[0] for path in library().values()} == set(ROOMS)


def test_nothing_of_the_library_imports_it_by_its_front_door():
    doors = [path for path in library().values() if "log_anneal" in imports(path)]
    assert [within(path) for path in doors] == ["__init__.py"]


def test_no_import_of_the_library_leads_back_in_functions_neither():
    assert floors({name: known(path) - {name} for name, path in library().items()}) <= 18


def test_the_rooms_of_the_library_are_few_floors():
    below = {
        room.removesuffix(".py"): {place.split(".")[0] for place in places}
        for room, places in ROOMS.items()
    }
    assert floors(below) <= 6


def inside_functions(path):
    """What is imported when a function runs."""
    for function in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield node.module
                elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
                    yield ast.literal_eval(node.args[0])


def test_the_library_imports_inside_functions_what_is_an_extra_alone():
    found = {
        (within(path), name.split(".")[0])
        for path in library().values()
        for name in inside_functions(path)
    }
    assert found == set(INSIDE_FUNCTIONS)


def test_the_trainer_imports_inside_functions_what_is_an_extra_or_heavy_alone():
    found = {
        (path.as_posix(), name.split(".")[0])
        for path in FILES
        if path.parts[0] == "train"
        for name in inside_functions(path)
    }
    assert found == set(TRAINER_INSIDE_FUNCTIONS)


def test_no_file_or_function_of_the_library_is_long():
    for path in library().values():
        text = (ROOT / path).read_text()
        assert len(text.splitlines()) <= 250, path
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef):
                body = function.body[bool(ast.get_docstring(function)) :] or function.body
                assert body[-1].end_lineno - body[0].lineno < 60, (path, function.name)


@pytest.mark.parametrize(
    ("library", "knowers"),
    [
        ("flax", "train/models/"),
        ("orbax", "train/folder/checkpoint.py"),
        ("tyro", "train/cli/"),
        ("tensorboardX", "train/folder/tensorboard.py"),
        ("wandb", "train/loggers/wandb_run.py"),
        ("mlflow", "train/loggers/mlflow_run.py"),
        ("sklearn", "train/data/digits.py"),
        ("rich", "train/folder/terminal.py"),
        ("ray", "train/study/ray.py"),
        ("optuna", "train/study/"),
    ],
)
def test_one_place_knows_each_library(library, knowers):
    found = importers(library)
    assert found
    assert all(path.startswith(knowers) for path in found)


def test_only_the_files_of_the_data_know_tfds():
    """The room's door has the arrays, sources.py and download.py the sets, digits.py a builder."""
    assert importers("tensorflow_datasets") == {
        "train/data/digits.py",
        "train/data/download.py",
        "train/data/sources.py",
    }


def test_tensorflow_is_imported_by_nobody():
    assert importers("tensorflow") == set()


def test_only_the_front_door_and_studies_import_the_loop_and_the_range_test():
    makers = {"train/study/make.py", "train/study/repeats.py"}
    assert importers("train.run.loop") == {"train/__main__.py", *makers}
    assert importers("train.run.range_test") == {"train/__main__.py", "train/study/make.py"}


def test_the_trainer_reaches_the_library_where_a_schedule_is_named_used_or_drawn():
    found = {path for path in importers("log_anneal") if path.startswith("train/")}
    assert found == {
        "train/cli/arguments.py",  # which tells its version
        "train/config.py",
        "train/rates.py",
        "train/run/pictures.py",
        "train/engine/compiled.py",
        "train/engine/guard.py",  # of a step that is skipped, the schedule's step counts
        "train/run/range_test.py",
        "train/report/numbers/reading.py",
        "train/written.py",
    }


def test_a_step_knows_neither_files_nor_data_sets():
    known = {name for name in imports(Path("train/engine/step.py")) if name.startswith("train.")}
    assert not known & {
        "train.data",
        "train.folder.log",
        "train.folder.checkpoint",
        "train.run.loop",
        "train.run.job",
    }


def test_importing_the_library_imports_nothing_heavy():
    heavy = ("matplotlib", "flax", "orbax", "scipy", "keras", "torch", "tensorflow_datasets")
    code = f"import sys, log_anneal; print([m for m in {(*heavy, 'train')} if m in sys.modules])"
    run = [sys.executable, "-c", code]
    assert subprocess.check_output(run, text=True, cwd=ROOT).strip() == "[]"


def test_importing_the_library_adds_its_own_files_to_those_of_optax_alone():
    code = (
        "import sys, jax, numpy, optax; before = set(sys.modules); import log_anneal;"
        "print(*sorted(set(sys.modules) - before))"
    )
    run = [sys.executable, "-c", code]
    added = subprocess.check_output(run, text=True, cwd=ROOT).split()
    ours = {name for name in added if name.split(".")[0] == "log_anneal"}
    # JAX has small modules that nothing imports before: the marks of a program's operations.
    others = {name.split(".")[0] for name in added} - {"log_anneal", "numpy", "jax"}
    assert others <= set(sys.stdlib_module_names)
    on_demand = {"__init__", "__main__", "compat.for_keras"}
    named = {name.removeprefix("log_anneal.") for name in ours - {"log_anneal"}}
    assert named == set(library()) - on_demand

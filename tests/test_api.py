"""The public names, and what the wheel holds."""

import ast
import inspect
import subprocess
import sys
import textwrap
import zipfile
from itertools import pairwise

import pytest
from small import ROOT

import log_anneal as la


def test_every_public_name_is_there_and_has_a_docstring():
    assert la.__all__ == sorted(set(la.__all__))
    for name in la.__all__:
        assert inspect.getdoc(getattr(la, name)) or name == "__version__"


def documented_fields(cls):
    """Fields with a docstring below them, of a class and of those that it inherits from."""
    names = set()
    for each in cls.__mro__[:-1]:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        for statement, following in pairwise(definition.body):
            if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
                names.add(statement.target.id)
    return names


def test_every_factory_takes_keywords_alone_and_documents_them():
    factories = [name for name in la.__all__ if name.endswith("_schedule")]
    assert len(factories) >= 29
    for name in factories:
        factory = getattr(la, name)
        fields = documented_fields(factory) if inspect.isclass(factory) else ()
        parameters = inspect.signature(factory).parameters
        for position, (parameter, each) in enumerate(parameters.items()):
            may_be_positional = not inspect.isclass(factory) and position == 0
            assert each.kind is each.KEYWORD_ONLY or may_be_positional, (name, parameter)
            assert f"{parameter}:" in factory.__doc__ or parameter in fields, (name, parameter)


@pytest.mark.slow
def test_the_wheel_holds_the_library_alone(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), "."]
    subprocess.run(build, cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("log_anneal-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "log_anneal/py.typed" in names
    assert {name.split("/")[0] for name in names} == {
        "log_anneal",
        f"log_anneal-{la.__version__}.dist-info",
    }

"""The public names, and what the wheel holds."""

import inspect
import subprocess
import sys
import zipfile

import pytest
from small import ROOT

import log_anneal as la


def test_every_public_name_is_there_and_has_a_docstring():
    assert la.__all__ == sorted(set(la.__all__))
    for name in la.__all__:
        assert inspect.getdoc(getattr(la, name)) or name == "__version__"


def test_every_factory_takes_keywords_alone_and_documents_them():
    factories = [name for name in la.__all__ if name.endswith("_schedule")]
    assert len(factories) >= 4
    for name in factories:
        factory = getattr(la, name)
        for parameter in inspect.signature(factory).parameters.values():
            is_only = len(inspect.signature(factory).parameters) == 1
            assert is_only or parameter.kind is parameter.KEYWORD_ONLY
            assert f"{parameter.name}:" in factory.__doc__


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

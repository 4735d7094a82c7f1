"""The public names, and what the wheel holds."""

import dataclasses
import inspect
import re
import subprocess
import sys
import typing
import zipfile

import pytest
from small import ROOT

import log_anneal as la


def test_every_public_name_is_there_and_has_a_docstring():
    assert la.__all__ == sorted(set(la.__all__))
    for name in la.__all__:
        assert inspect.getdoc(getattr(la, name)) or name == "__version__"


def test_the_types_of_every_public_class_can_be_read():
    """By the names of `log_anneal`, where a class says that it is."""
    for name in la.__all__:
        if inspect.isclass(cls := getattr(la, name)):
            assert isinstance(typing.get_type_hints(cls), dict)


def test_the_docstring_of_a_public_function_begins_with_a_verb():
    for module in (la, la.compat, la.fields, la.plot):
        for name in module.__all__:
            if inspect.isfunction(each := getattr(module, name)):
                assert re.match(r"[A-Z][a-z]+s ", each.__doc__), name


def arguments(factory):
    """The text of each argument, by name: a class has also those of the classes above it."""
    found = {}
    for each in reversed(getattr(factory, "__mro__", [factory])):
        section = (each.__doc__ or "").partition("Args:\n")[2].split("\n\n")[0]
        for name, text in re.findall(r"^ {6}(\w+): ((?:.+\n?(?: {8}.+\n?)*))", section, re.M):
            found[name] = " ".join(text.split())
    return found


def test_every_factory_takes_keywords_alone_and_documents_them():
    factories = [name for name in la.__all__ if name.endswith("_schedule")]
    assert len(factories) >= 29
    for name in factories:
        factory = getattr(la, name)
        documented = arguments(factory)
        parameters = inspect.signature(factory).parameters
        for position, (parameter, each) in enumerate(parameters.items()):
            may_be_positional = not inspect.isclass(factory) and position == 0
            assert each.kind is each.KEYWORD_ONLY or may_be_positional, (name, parameter)
            assert parameter in documented, (name, parameter)


def test_the_text_of_a_field_says_first_what_it_means():
    """The trainer's command line shows it as the help of `--schedule.FIELD`."""
    classes = [each for each in vars(la).values() if inspect.isclass(each)]
    for cls in classes:
        if issubclass(cls, la.Schedule):
            texts = arguments(cls)
            for field in dataclasses.fields(cls) if cls is not la.Schedule else ():
                text = texts[field.name]
                assert re.match(r"(The|How) [a-z]", text) and text.endswith("."), (cls, field.name)


def test_a_field_that_a_class_inherits_is_said_to_be_the_same():
    ours, of_the_base = map(arguments, (la.CyclicalLogSchedule, la.CyclicalBase))
    assert all(ours[name].startswith(text) for name, text in of_the_base.items())
    assert ours.keys() > of_the_base.keys()


@pytest.mark.slow
def test_the_wheel_holds_the_library_alone(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), "."]
    subprocess.run(build, cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("log_anneal-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "log_anneal/py.typed" in names
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "log_anneal").rglob("*.py")}
    assert ours == {name for name in names if name.endswith(".py")}
    assert {name.split("/")[0] for name in names} == {
        "log_anneal",
        f"log_anneal-{la.__version__}.dist-info",
    }

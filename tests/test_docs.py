"""What the guide shows is so."""

import dataclasses
import importlib.util
import math
import re

import matplotlib as mpl
import numpy as np
import pytest
from small import ROOT

import log_anneal as la
from log_anneal._core.record import SCHEDULES
from train.study.load import load_study

DOCS = ROOT / "docs"
PAGES = [path.name for path in sorted(DOCS.glob("*.md"))]
RUN_IN_ORDER = ["start.md", "schedules.md", "coming_from.md", "conformance.md", "race.md"]
NEEDED = {
    "Equinox": "equinox",
    "YAML": "yaml",
    "Hydra": "hydra",
    "ml_collections": "ml_collections",
    "Fiddle": "fiddle",
    "gin": "gin",
    "Ray": "ray",
}
"""What a recipe, or a part of the page of other tools, needs that the project does not."""


def blocks(text):
    return re.findall(r"```(?:python|\{code-cell\} python)\n(.*?)```", text, re.DOTALL)


def page(name):
    return (DOCS / name).read_text()


def parts(name):
    """The parts of a page by their headings."""
    return dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page(name), re.M | re.S))


PARTS = [(name, title) for name in ("recipes.md", "elsewhere.md") for title in parts(name)]


@pytest.mark.parametrize("name", RUN_IN_ORDER)
def test_the_blocks_of_a_page_run_in_order(name):
    names = {"__name__": "guide"}
    try:
        with mpl.rc_context({"backend": "agg"}):
            for block in blocks(page(name)):
                exec(block, names)
            if "plt" in names:
                names["plt"].close("all")
    finally:
        SCHEDULES.pop("saw", None)


@pytest.mark.filterwarnings("ignore:os.fork")  # Ray starts processes beside the threads of JAX
@pytest.mark.parametrize(("name", "title"), PARTS)
def test_a_recipe_runs_after_the_first_block_alone(name, title):
    if title in NEEDED and not importlib.util.find_spec(NEEDED[title]):
        pytest.skip(f"skipped: {NEEDED[title]} is not installed")
    first, *_ = blocks(page(name))
    found = blocks(parts(name)[title])
    assert found, title
    names = {"__name__": "recipe"}
    for block in [first, *found]:
        exec(block, names)


@pytest.mark.parametrize("name", ["recipes.md", "elsewhere.md"])
def test_every_part_of_a_page_is_in_its_table(name):
    links = re.findall(r"\]\(#([\w-]+)\)", page(name))
    anchors = [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in parts(name)]
    assert sorted(links) == sorted(anchors)


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_a_page_names_is_there(name):
    for path in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page(name)):
        assert (DOCS / path).exists(), path


def test_every_argument_of_a_cycle_has_its_part_with_a_picture():
    text = page("arguments.md")
    for field in dataclasses.fields(la.CyclicalLogSchedule):
        part = re.search(rf"### {field.name}\n(.*?)(?=\n##|\Z)", text, re.DOTALL)
        assert part and f"](arguments/{field.name}.png)" in part[1], field.name
        assert (DOCS / f"arguments/{field.name}.png").is_file(), field.name
        assert f"](#{field.name})" in text, field.name


def test_a_default_that_the_page_of_arguments_names_is_the_default():
    text = page("arguments.md")
    for field in dataclasses.fields(la.CyclicalLogSchedule):
        (part,) = re.findall(rf"### {field.name}\n(.*?)```", text, re.DOTALL)
        part = " ".join(part.split())
        if said := re.search(r'With (\S+), (?:the|which is the) default|Take (".*?"), the', part):
            shown = said[1] or said[2]
            assert shown.strip("`") in (str(field.default), f'"{field.default}"'), field.name


def hugging_face_factor(name, t):
    """The equations of transformers 5.24.0, for 100 steps of warm-up and 1,000 in all."""
    if t < 100:
        return t / 100
    p = (t - 100) / 900
    wave = (1 + math.cos(math.pi * p)) / 2
    match name.removeprefix("get_"):
        case "constant_schedule_with_warmup":
            return 1.0
        case "linear_schedule_with_warmup":
            return max(0.0, 1 - p)
        case "cosine_schedule_with_warmup":
            return wave
        case "cosine_with_hard_restarts_schedule_with_warmup":
            return 0.0 if p >= 1 else (1 + math.cos(math.pi * ((3 * p) % 1.0))) / 2
        case "polynomial_decay_schedule_with_warmup":
            return ((0.1 - 1e-7) * (1 - p) ** 2 + 1e-7) / 0.1
        case "cosine_with_min_lr_schedule_with_warmup":
            return wave * 0.9 + 0.1
        case "inverse_sqrt_schedule":
            return 1 / math.sqrt(t / 100)
        case "wsd_schedule":
            return 1.0 if t < 700 else max(0.0, (1 + math.cos(math.pi * (t - 700) / 300)) / 2)
    raise AssertionError(name)


def test_hugging_faces_curves_are_those_of_its_equations():
    names = {}
    for block in blocks(page("coming_from.md")):
        exec(block, names)
    assert len(names["hugging_face"]) == 8
    steps = range(1001)
    for name, schedule in names["hugging_face"].items():
        expected = [0.1 * hugging_face_factor(name, step) for step in steps]
        np.testing.assert_allclose(
            schedule.at(np.array(steps)), expected, rtol=1e-9, atol=1e-12, err_msg=name
        )


def test_the_configuration_of_the_trainers_page_is_one():
    names = {}
    block, *_ = blocks(page("trainer.md"))
    exec(block, names)
    assert names["get_config"]().epochs == 16


def test_the_study_of_the_guide_is_one(tmp_path):
    example, *_ = blocks(page("studies.md"))
    file = tmp_path / "my_study.py"
    file.write_text(example)
    assert [len(load_study(file, size).runs()) for size in ("smoke", "full")] == [8, 12]
    assert load_study(file, "full").runs()[0].folder == "narrow-log-seed0"
    assert not load_study(file, "full").base.augment.flip  # a mirrored digit is no digit


def test_the_other_examples_of_the_guide_to_studies_run_after_the_first():
    names = {}
    first, of_a_context, of_a_search = blocks(page("studies.md"))
    exec(first, names)
    exec(of_a_context, names)
    peaks = {
        (run.labels["width"], run.labels["schedule"]): run.config.schedule.peak_value
        for run in names["study"].runs()
    }
    assert peaks["narrow", "cosine"] == peaks["narrow", "log"] == peaks["wide", "log"] == 0.1
    assert peaks["wide", "cosine"] == 0.05
    exec(of_a_search, names)
    assert names["study"].labels["settings"] == ["as printed", "tuned"]

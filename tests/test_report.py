"""The report of a study, from numbers that were made up; `synthetic_study` has their formats."""

import html.parser
import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from synthetic_study import (
    TWO,
    change,
    cut,
    table,
    write_study,
)

from train import report
from train.errors import UserError
from train.report import settings, tables
from train.report.numbers.comparisons import estimate_of
from train.report.numbers.reading import load
from train.report.numbers.records import Results
from train.report.numbers.words import NONE


class Page(html.parser.HTMLParser):
    """The tags of a page, its addresses, and whether each tag that opens is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attributes if name == "src"]
        self.links += [value or "" for name, value in attributes if name == "href"]
        self.anchors |= {value or "" for name, value in attributes if name == "id"}
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with two networks, a run that halted, one that has not ended, and one not begun."""
    folder = tmp_path_factory.mktemp("study")
    claim = {"id": "one", "source": "here", "text": "a < b & c", "check": "never_halted"}
    tests = [
        {"folder": f"range_test-{label}", "label": label, "bounds": bounds, "suggested": suggested}
        for label, bounds, suggested in (("<b>", [0.001, 0.25], True), ("b|c", [0.01, 0.1], False))
    ]
    how: dict[str, Any] = {"size": "smoke", "claims": [claim], "range_test": tests}
    write_study(folder, networks=("<b>", "b|c"), epochs=8, **how)
    change_runs(folder)
    for test in tests:
        (folder / test["folder"]).mkdir()
        Image.new("RGB", (1080, 8)).save(folder / test["folder"] / "range_test.png")
    report.write(folder)
    return folder


@pytest.fixture(scope="module")
def study(written: Path) -> Results:
    """The same, read."""
    return load(written)


def change_runs(folder: Path) -> None:
    """Halts one, cuts one, and takes one away."""
    cut(folder / "none-b|c-seed0", 50, "its loss was 4.7, above the threshold of 4.5")
    cut(folder / "none-b|c-seed1", 70)
    for path in (folder / "none-b|c-seed2").iterdir():
        path.unlink()


def test_the_page_needs_nothing_from_outside(written: Path) -> None:
    text = (written / "report.html").read_text()
    page = Page(text)
    assert not page.open
    assert not page.tags & {"script", "link", "iframe"}
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not re.search(r"https?:|@import|url\(", text)


def test_the_contents_and_the_runs_are_linked_to_where_they_are(written: Path) -> None:
    page = Page((written / "report.html").read_text())
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert inside and set(inside) <= page.anchors
    runs = [link for link in page.links if not link.startswith("#")]
    assert len(runs) == 18
    for link in runs:
        assert (written / urllib.parse.unquote(link)).is_dir()
    text = (written / "report.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert re.findall(r"\[([^\]]+)\]\(#", text) == headings
    assert "[What was run](#what-was-run) · " in text


def test_names_are_text_and_not_tags(written: Path) -> None:
    text = (written / "report.html").read_text()
    assert "b" not in Page(text).tags
    assert "&lt;b&gt;" in text and "a &lt; b &amp; c" in text.replace("\u00a0", " ")


def test_the_text_shows_the_figures_beside_it(written: Path) -> None:
    text = (written / "report.md").read_text()
    shown = set(re.findall(r"\]\(figures/(.+?)\.png\)", text))
    assert shown == {path.stem for path in (written / "figures").iterdir()}
    curves = {"train_loss", "test_loss", "test_accuracy"}
    assert shown == {"schedules_1", "range_test_1", "range_test_2", *curves, "differences"}
    for path in (written / "figures").iterdir():
        with Image.open(path) as image:
            assert image.width == 1080
        assert path.stat().st_size < 150_000


def test_a_row_of_the_text_has_a_cell_for_each_header(written: Path) -> None:
    text = (written / "report.md").read_text().replace("\\|", "")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_a_smoke_report_says_so_before_all_else(written: Path) -> None:
    first = (written / "report.md").read_text().split("\n\n")[1]
    assert "Smoke size" in first and "Nothing here is evidence" in first
    assert "agrees (smoke)" in (written / "report.md").read_text()
    assert '<span class="agrees">' not in (written / "report.html").read_text()


def test_the_same_records_give_the_same_bytes_and_no_old_figure_stays(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0,), epochs=2)
    report.write(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "figures" / "old.png").write_bytes(b"")
    report.write(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_runs_that_did_not_end_are_told_and_not_counted(written: Path, study: Results) -> None:
    told = table(settings.runs(study), "Runs out of the ordinary")
    assert [(row["Run"], row["State"], row["What happened"]) for row in told] == [
        ("none-b|c-seed0", "halted",
         "halted after step 48: its loss was 4.7, above the threshold of 4.5"),
        ("none-b|c-seed1", "unfinished", "at step 67 of 160"),
    ]  # fmt: skip
    every = table(settings.runs(study), "All 18 runs")
    assert every[-1] == {
        "Run": "none-b|c-seed2", "State": "missing", "Final test accuracy, %": NONE, "Time, s": NONE
    }  # fmt: skip
    assert (every[0]["State"], every[0]["Time, s"]) == ("ended", "16")
    last = table(tables.accuracy_and_loss(study), "Accuracy")[-1]
    assert (last["Schedule"], last["n"], last["Final test accuracy, %"]) == ("none", "0 of 3", NONE)
    text = (written / "report.md").read_text()
    assert "2 of 18 runs have not ended" in text
    assert "halted 1 of 18 runs" in text


def test_the_numbers_are_there_for_another_program(written: Path, study: Results) -> None:
    numbers = json.loads((written / "report.json").read_bytes())
    cell = estimate_of(study.cells[0], "final_accuracy")
    assert numbers["size"] == "smoke"
    assert numbers["cells"][0]["labels"] == {"schedule": "log", "network": "<b>"}
    assert numbers["cells"][0]["final_accuracy"] == {
        "n": 3,
        "mean": float(f"{cell.mean:.9g}"),
        "half_interval": float(f"{cell.half:.9g}"),
    }
    assert numbers["answers"][0]["id"] == "one"


def test_a_study_of_which_nothing_has_run_has_a_report(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0,), epochs=1)
    for path in tmp_path.glob("*/*"):
        path.unlink()
    report.write(tmp_path)
    assert "2 of 2 runs have not ended" in (tmp_path / "report.md").read_text()


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"`folder` must hold the study\.json of a study"):
        report.write(tmp_path)


def test_two_runs_of_the_same_labels_and_seed_are_refused(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0,), epochs=1)
    runs = json.loads((tmp_path / "study.json").read_text())["runs"]
    change(tmp_path, runs=[*runs, runs[0]])
    with pytest.raises(UserError, match="`runs` must differ in their labels or their seed"):
        load(tmp_path)


def test_a_label_that_no_axis_has_is_refused(tmp_path: Path) -> None:
    write_study(tmp_path, schedules=TWO, seeds=(0,), epochs=1, axes={"schedule": ["log"]})
    with pytest.raises(UserError, match="must name one of .'log'. as its schedule, got cosine"):
        load(tmp_path)


def test_a_range_test_says_which_bounds_were_used_and_whose_they_are(written: Path) -> None:
    text = (written / "report.md").read_text()
    assert "range test of &lt;b>" in text
    assert "used the bounds 0.001 to 0.25, which it suggests." in text
    assert "used the bounds 0.01 to 0.1, the study's own, as the test showed none." in text


def test_a_figure_says_what_it_shows_to_who_does_not_see_it(written: Path) -> None:
    texts = dict(
        (name, alt)
        for alt, name in re.findall(
            r"!\[(.+?)\]\(figures/(.+?)\.png\)", (written / "report.md").read_text()
        )
    )
    assert texts["schedules_1"].startswith("Learning rate over the epochs of &lt;b>; b|c, a panel")
    assert "none: 0.02 at first, 0.02 at most, 0.02 at the end" in texts["schedules_1"]
    final = f"{estimate_of(load(written).cells[0], 'final_accuracy').mean:.2f}"
    assert texts["test_accuracy"].startswith("Curves of test accuracy, % over the epochs. At the ")
    assert f"&lt;b> / log {final}" in texts["test_accuracy"]
    assert texts["differences"].startswith("Points of final test accuracy above cosine, with 95 %")
    assert re.search(r"log \+\d\.\d\d", texts["differences"])
    assert "The bounds that were used are 0.001 and 0.25." in texts["range_test_1"]

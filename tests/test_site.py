"""The site has a page for everything, and its entries say what the library says."""

import importlib.util
import re
import subprocess
import sys
import zlib

import pytest
from small import ROOT

import log_anneal as la

DOCS = ROOT / "docs"
DOORS = ("compat", "fields", "plot", "testing")

needs_sphinx = pytest.mark.skipif(
    not importlib.util.find_spec("sphinx") or not importlib.util.find_spec("myst_nb"),
    reason="skipped: the site's packages are not installed; `make docs` installs them",
)


def public_names():
    yield from (f"log_anneal.{name}" for name in la.__all__)
    for door in DOORS:
        yield from (f"log_anneal.{door}.{name}" for name in vars(la)[door].__all__)


@pytest.fixture
def pages(monkeypatch):
    pytest.importorskip("docutils", reason="skipped: the site's packages are not installed")
    pytest.importorskip("sphinx", reason="skipped: the site's packages are not installed")
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("_site.pages")


def test_every_public_name_has_its_entry_in_the_reference():
    reference = {path.name: path.read_text() for path in (DOCS / "api").glob("*.rst")}
    text = "\n".join(reference.values())
    for name in la.__all__:
        entry = rf"^\.\. (?:autofunction|autoclass|py:class):: {name}$"
        if name in DOORS:
            entry = rf"^\.\. automodule:: log_anneal\.{name}$"
        (_,) = re.findall(entry, text, re.MULTILINE) or pytest.fail(
            f"`{name}` has no entry. Add it to a page of docs/api/."
        )


def test_every_page_is_in_the_table_of_contents():
    index = (DOCS / "index.md").read_text()
    pages = {path.stem for path in DOCS.glob("*.md")} - {"index", "extending"}
    assert {page for page in pages if not re.search(rf"^{page}$", index, re.MULTILINE)} == set()


def test_readmes_tables_stand_on_the_page_of_results(pages):
    text = pages.on_site((DOCS / "results.md").read_text())
    assert "| study |" in text and "| configuration |" in text
    assert "README" not in text and "<!--" not in text
    for report in (ROOT / "results").glob("*/report.md"):
        assert f"](reports/{report.parent.name}.md)" in text, report


def test_a_docstring_in_markdown_becomes_restructuredtext(monkeypatch):
    pytest.importorskip("sphinx", reason="skipped: the site's packages are not installed")
    monkeypatch.syspath_prepend(DOCS)
    converted = importlib.import_module("_site.docstrings").converted
    assert converted(
        [
            "Takes `live` and `x + 1`.",
            "",
            "    y = `x`",
            "",
            "| a | b |",
            "|---|---|",
            "| `x` | 1 |",
            "",
            "Example:",
            "  >>> f('`x`')",
            "  | a picture",
            "  *****",
        ]
    ) == [
        "Takes :py:obj:`~log_anneal.live` and ``x + 1``.",
        *("", "::", "", "    y = `x`", ""),
        *(".. list-table::", "   :header-rows: 1", ""),
        *("   * - a", "     - b", "   * - ``x``", "     - 1", "", ""),
        *("Example:", "  >>> f('`x`')", "  | a picture", "  *****"),
    ]


@pytest.mark.slow
@needs_sphinx
def test_the_built_inventory_holds_every_public_name(tmp_path):
    built = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"),
            *("-d", tmp_path / "trees", DOCS, tmp_path / "html"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    content = (tmp_path / "html" / "objects.inv").read_bytes()
    listed = zlib.decompress(content.split(b"\n", 4)[4]).decode()
    held = {line.split()[0] for line in listed.splitlines() if " py:" in line}
    assert {name for name in public_names() if name not in held} == set()

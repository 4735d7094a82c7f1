"""Pages from outside `docs/`, and links that lead out of it.

On a code host a page of `docs/` links to files beside it. On the site the reports of the studies
are pages, and README's tables of results stand on the page of the results.
"""

import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

DOCS = Path(__file__).parent.parent
ROOT = DOCS.parent
REPORTS = DOCS / "reports"

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
_GLOB = re.compile(r"^([\w/]*\*)\n", re.MULTILINE)
_BLOCK = re.compile(r"(?:^.*\(\.\./README\.md.*\n\n)?<!-- from README: (\w+) -->", re.MULTILINE)
"""The mark, and a sentence above it that sends a reader of the file to README."""
_PAGES = re.compile(r"<!-- pages: (\S+) -->")


def setup(app: Sphinx) -> dict[str, bool]:
    """Copies the reports before the pages are looked for."""
    app.connect("config-inited", lambda app, config: copy_reports())
    app.connect("source-read", _on_source)
    app.connect("doctree-read", _on_doctree)
    return {"parallel_read_safe": True}


def copy_reports() -> None:
    """Makes `docs/reports/` anew: a page for each kept study, with its figures."""
    shutil.rmtree(REPORTS, ignore_errors=True)
    for report in sorted((ROOT / "results").glob("*/report.md")):
        name = report.parent.name
        REPORTS.mkdir(exist_ok=True)
        text = report.read_text().replace("](figures/", f"]({name}/")
        (REPORTS / f"{name}.md").write_text(text)
        if (report.parent / "figures").is_dir():
            shutil.copytree(report.parent / "figures", REPORTS / name)


def on_site(text: str) -> str:
    """Returns the text of a page with README's tables in it, and with links for the site."""
    text = _BLOCK.sub(lambda found: of_readme(found[1]), text)
    text = _PAGES.sub(r"```{toctree}\n:hidden:\n:glob:\n\n\1\n```", text)
    return _LINK.sub(_link, text)


def of_readme(mark: str) -> str:
    """What stands between two marks of README, with links as `docs/` has them."""
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", readme, re.DOTALL)
    block = block.replace("[docs/papers.md]", "[The papers, row by row]")
    return re.sub(r"\]\((?!https?:|#)", "](../", block).replace("](../docs/", "](")


def _link(found: re.Match[str]) -> str:
    text, path, anchor = found[1], found[2].removeprefix("../"), found[3] or ""
    if report := re.fullmatch(r"results/(\w+)/report\.md", path):
        return f"[{text}](reports/{report[1]}.md{anchor})"
    if path == "README.md":
        return f"[{text}](index.md)"
    if (ROOT / path).is_dir():
        return text
    return found[0]


def _on_source(app: Sphinx, name: str, content: list[str]) -> None:
    if name.startswith("reports/"):
        return
    content[0] = _GLOB.sub(_pages_that_are_there, on_site(content[0]))


def _on_doctree(app: Sphinx, doctree: nodes.document) -> None:
    """Takes away the heading of a table that has none: Markdown needs an empty one."""
    for head in list(doctree.findall(nodes.thead)):
        if not head.astext().strip():
            head.parent.remove(head)


def _pages_that_are_there(found: re.Match[str]) -> str:
    """Keeps a pattern of the table of contents if it has a page."""
    return found[0] if any(DOCS.glob(f"{found[1]}.md")) else ""

"""Docstrings as Sphinx reads them.

The docstrings use Markdown: code in single backticks, tables of pipes, equations as indented
blocks. Autodoc reads reStructuredText. This module writes the one as the other.
"""

import pkgutil
import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

import log_anneal as la

_ARRAY_LIKE = r"~?[\w.]*Array \| ~?[\w.]*ndarray \| ~?[\w.]*bool \| .*?complex"
_SHORT = {
    _ARRAY_LIKE: "ArrayLike",
    r"~?[\w.]*ndarray\[~?tuple\[.*?\], ~?[\w.]*dtype\[.*?\]\]": "ndarray",
    r"<dataclasses\._MISSING_TYPE object>": "...",
    r"<factory>": "{}",
}
"""Types and defaults as a reader would write them."""
_CODE = re.compile(r"(?<![`:])`([^`]+)`(?!`)")


def setup(app: Sphinx) -> dict[str, bool]:
    """Runs before napoleon, which reads what this leaves."""
    app.connect("builder-inited", _find_field_docstrings)
    app.connect("autodoc-process-docstring", _on_docstring, priority=400)
    app.connect("autodoc-process-signature", _on_signature)
    return {"parallel_read_safe": True}


def converted(lines: list[str]) -> list[str]:
    """Returns the lines of a docstring in reStructuredText."""
    made: list[str] = []
    for block in _blocks(lines):
        before = next((line for line in reversed(made) if line.strip()), "")
        if block[0].lstrip().startswith("|"):
            made += _table(block)
        elif block[0].lstrip().startswith(">>>"):
            made += block
        elif before and _indent(block[0]) >= _indent(before) + 4 and not _in_list(before):
            margin = " " * _indent(before)
            made += [f"{margin}::", "", *block]
        else:
            made += _with_code(block)
    return made


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yields what belongs together: a paragraph, a table, an example, an empty line."""
    block: list[str] = []
    for line in lines:
        text = line.lstrip()
        is_example = bool(block) and block[0].lstrip().startswith(">>>")
        is_table = bool(block) and block[0].lstrip().startswith("|")
        starts = not is_example and (
            (text.startswith("|") and not is_table) or text.startswith(">>>")
        )
        if block and (not text or starts):
            yield block
            block = []
        if text:
            block.append(line)
        else:
            yield [""]
    if block:
        yield block


def _with_code(block: list[str]) -> list[str]:
    return _CODE.sub(_code, "\n".join(block)).split("\n")


def _code(found: re.Match[str]) -> str:
    """A public name becomes a reference, all else a literal."""
    text = found[1]
    name = text.removeprefix("log_anneal.")
    if re.fullmatch(r"\w+", name) and name in la.__all__:
        return f":py:obj:`~log_anneal.{name}`"
    return f"``{text}``"


def _table(block: list[str]) -> list[str]:
    margin = " " * _indent(block[0])
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block]
    head, body = rows[0], rows[2:]
    made = [f"{margin}.. list-table::", f"{margin}   :header-rows: 1", ""]
    for row in [head, *body]:
        for place, cell in enumerate(row):
            bullet = "* -" if place == 0 else "  -"
            made.append(f"{margin}   {bullet} {_CODE.sub(_code, cell)}")
    return [*made, ""]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _in_list(line: str) -> bool:
    return bool(re.match(r"\s*[-*] ", line))


def _on_docstring(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    lines[:] = converted(lines)
    if what in ("attribute", "property"):
        # Napoleon would read what stands before a colon in the first line as a type.
        lines[:0] = ["..", ""]


def _on_signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str | None, returns: Any
) -> tuple[str | None, Any]:
    """Shows short types, and no result of a class."""
    if signature:
        for long, short in _SHORT.items():
            signature = re.sub(long, short, signature)
    return signature, None if isinstance(thing, type) else returns


def _find_field_docstrings(app: Sphinx) -> None:
    """Lets autodoc find the text under a field.

    A public class says that it comes from `log_anneal`, but its text is in a private file.
    """
    public = ModuleAnalyzer.for_module("log_anneal")
    public.analyze()
    for module in pkgutil.walk_packages(la.__path__, "log_anneal."):
        if module.name.endswith(("__main__", "for_keras")):  # that one imports Keras
            continue
        private = ModuleAnalyzer.for_module(module.name)
        private.analyze()
        for key, text in private.attr_docs.items():
            if key[0]:
                public.attr_docs.setdefault(key, text)

"""A report as Markdown, its pictures in `figures/` beside it."""

import re
from collections.abc import Sequence

from train.report.pages.page import (
    Block,
    Bullets,
    Contents,
    Heading,
    Paragraph,
    Picture,
    Strong,
    Table,
    Verdict,
)


def to_markdown(title: str, blocks: Sequence[Block]) -> str:
    """Returns the whole text. What labels and titles say is text there, and no HTML or link."""
    return "\n\n".join([f"# {_plain(title)}", *(_markdown(block) for block in blocks)]) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {_plain(text)}"
        case Contents(headings):
            return " · ".join(f"[{_plain(each.text)}](#{each.anchor})" for each in headings)
        case Paragraph(text, kind):
            text = _plain(text)
            return {"plain": text, "warning": f"> **{text}**", "result": f"**{text}**"}[kind]
        case Bullets(items):
            return "\n".join(f"- {_plain(item)}" for item in items)
        case Picture(name, _, caption, alt):
            described = alt.replace("[", "(").replace("]", ")")
            return f"![{_plain(described)}](figures/{name}.png)\n\n*{_plain(caption)}*"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    aligned = ["---" if n < table.num_text else "---:" for n in range(len(table.headers))]
    rows = [table.headers, aligned, *table.rows]
    lines = "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)
    caption = _plain(table.caption)
    parts = [lines, *([_plain(table.note)] if table.note else [])]
    if table.is_folded:
        summary = f"<details><summary>{caption}</summary>"
        return "\n\n".join([summary, *parts, "</details>"])
    return "\n\n".join([f"**{caption}**", *parts])


def _cell(cell: str) -> str:
    text = _plain(cell).replace("|", "\\|").replace("\n", "<br>")
    return f"**{text}**" if isinstance(cell, Strong | Verdict) else text


def _plain(text: str) -> str:
    """Returns a text of which Markdown makes neither a tag of HTML nor a link.

    A script could stand in the one, and `javascript:` in the other.
    """
    return re.sub(r"\](?=[(:\[])", "&#93;", re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text))

"""A report as Markdown, its pictures in `figures/` beside it."""

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
    """Returns the whole text."""
    return "\n\n".join([f"# {title}", *(_markdown(block) for block in blocks)]) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Contents(headings):
            return " · ".join(f"[{each.text}](#{each.anchor})" for each in headings)
        case Paragraph(text, kind):
            return {"plain": text, "warning": f"> **{text}**", "result": f"**{text}**"}[kind]
        case Bullets(items):
            return "\n".join(f"- {item}" for item in items)
        case Picture(name, _, caption, alt):
            described = alt.replace("[", "(").replace("]", ")")
            return f"![{described}](figures/{name}.png)\n\n*{caption}*"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    aligned = ["---" if n < table.num_text else "---:" for n in range(len(table.headers))]
    rows = [table.headers, aligned, *table.rows]
    lines = "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)
    parts = [lines, *([table.note] if table.note else [])]
    if table.is_folded:
        summary = f"<details><summary>{table.caption}</summary>"
        return "\n\n".join([summary, *parts, "</details>"])
    return "\n\n".join([f"**{table.caption}**", *parts])


def _cell(cell: str) -> str:
    text = cell.replace("|", "\\|").replace("\n", "<br>")
    return f"**{text}**" if isinstance(cell, Strong | Verdict) else text

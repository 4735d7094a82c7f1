"""A report as blocks, and the blocks as one HTML page or as Markdown."""

import base64
import dataclasses
import functools
import html
from collections.abc import Callable, Sequence
from typing import TypeAlias

from train.report.words import plain


class Strong(str):
    """A cell of a table that stands out."""

    __slots__ = ()


class Verdict(str):
    """A cell of a table that says agrees, disagrees, or why neither."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True)
class Heading:
    """The beginning of a section."""

    text: str


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """Plain text; a warning stands in a box."""

    text: str
    is_warning: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of cells under headers; the first columns are text, the others numbers."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    num_text: int = 1
    """How many columns are text, on the left; all others are aligned on the right."""
    note: str = ""
    is_folded: bool = False
    """Whether the page shows it only when asked."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure, drawn when it is first asked for: the text alone needs none."""

    name: str
    """Of its file, without .png."""
    draw: Callable[[], bytes]
    """Gives a PNG file."""
    caption: str

    @functools.cached_property
    def png(self) -> bytes:
        """What was drawn."""
        return self.draw()


Block: TypeAlias = Heading | Paragraph | Table | Picture


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """One page with all it needs inside."""
    body = "\n".join(_html(block) for block in blocks)
    name = html.escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{name}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def to_markdown(title: str, blocks: Sequence[Block]) -> str:
    """The same as text, its pictures in `figures/` beside it."""
    return "\n\n".join([f"# {title}", *(_markdown(block) for block in blocks)]) + "\n"


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{html.escape(text)}</h2>"
        case Paragraph(text, is_warning):
            kind = ' class="warning" role="note"' if is_warning else ""
            return f"<p{kind}>{html.escape(text)}</p>"
        case Picture(name, _, caption):
            data, text = base64.b64encode(block.png).decode(), html.escape(caption)
            alt = html.escape(plain(name))
            return (
                f'<figure><div class="wide"><img alt="{alt}" src="data:image/png;base64,{data}">'
                f"</div><figcaption>{text}</figcaption></figure>"
            )
        case Table():
            return _html_table(block)


def _html_table(table: Table) -> str:
    kinds = ["text" if place < table.num_text else "number" for place in range(len(table.headers))]
    head = "".join(
        f'<th class="{kind}" scope="col">{html.escape(header)}</th>'
        for kind, header in zip(kinds, table.headers, strict=True)
    )
    rows = "\n".join(_html_row(kinds, row) for row in table.rows)
    prose = ' class="prose"' if table.num_text == len(table.headers) else ""
    caption, note = html.escape(table.caption), html.escape(table.note)
    whole = (
        f'<div class="wide"><table{prose}>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>" + (f'<p class="note">{note}</p>' if note else "")
    )
    if table.is_folded:
        return f"<details><summary>{caption}</summary>{whole}</details>"
    return f'<p class="caption">{caption}</p>{whole}'


def _html_row(kinds: Sequence[str], row: Sequence[str]) -> str:
    cells = (
        f'<td class="{kind}">{_html_cell(cell)}</td>' for kind, cell in zip(kinds, row, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _html_cell(cell: str) -> str:
    text = html.escape(cell).replace("\n", "<br>").replace(" ± ", "\u00a0±\u00a0")
    if len(cell) <= _UNBROKEN:
        text = text.replace(" ", "\u00a0")
    if isinstance(cell, Strong):
        return f"<strong>{text}</strong>"
    if isinstance(cell, Verdict):
        return f'<span class="{text.split(" (")[0].replace(" ", "-")}">{text}</span>'
    return text


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Paragraph(text, is_warning):
            return f"> **{text}**" if is_warning else text
        case Picture(name, _, caption):
            return f"![{plain(name)}](figures/{name}.png)\n\n*{caption}*"
        case Table():
            aligned = ["---" if n < block.num_text else "---:" for n in range(len(block.headers))]
            rows = [block.headers, aligned, *block.rows]
            lines = ["| " + " | ".join(_markdown_cell(cell) for cell in row) + " |" for row in rows]
            note = [block.note] if block.note else []
            return "\n\n".join([f"**{block.caption}**", "\n".join(lines), *note])


def _markdown_cell(cell: str) -> str:
    text = cell.replace("|", "\\|").replace("\n", "<br>")
    return f"**{text}**" if isinstance(cell, Strong | Verdict) else text


_UNBROKEN = 20
"""Characters of a cell that stays on one line."""
_STYLE = """
:root { color-scheme: light; --line: #d8dde3; --pale: #f5f7f9; --ink: #1b232c; --soft: #586573; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; font: 16px/1.55 system-ui, "Segoe UI",
  "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0.5rem 0 1rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 0.75rem; padding-top: 0.75rem;
  border-top: 1px solid var(--line); }
p { max-width: 46rem; margin: 0.75rem 0; overflow-wrap: anywhere; }
.warning { max-width: none; padding: 0.75rem 1rem; border-left: 4px solid #c77700;
  background: #fff6e5; font-weight: 600; }
.caption { max-width: none; margin: 1.75rem 0 0.4rem; font-weight: 600; }
.note, figcaption { max-width: 46rem; margin: 0.5rem 0 0; color: var(--soft); font-size: 0.875rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; line-height: 1.4;
  font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.8rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { vertical-align: bottom; background: var(--pale); font-weight: 600; }
.text { text-align: left; }
td.text { white-space: nowrap; }
.prose td.text { white-space: normal; overflow-wrap: break-word; }
.prose td.text:first-child { min-width: 10rem; }
.prose td.text:last-child { min-width: 27rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
figure { margin: 1.75rem 0; }
figure img { display: block; max-width: max(100%, 36rem); height: auto; }
details { margin: 1rem 0; }
summary { cursor: pointer; font-weight: 600; }
span.agrees, span.disagrees, span.cannot-tell, span.measured { display: inline-block;
  padding: 0.05rem 0.5rem; border-radius: 0.7rem; background: #e8ecf0; font-weight: 600;
  white-space: nowrap; }
span.agrees { background: #d9f0df; color: #14532d; }
span.disagrees { background: #fbdcdc; color: #7a1515; }
@media (max-width: 40rem) {
  .prose thead { display: none; }
  .prose, .prose tbody, .prose tr, .prose td { display: block; border: 0; padding: 0.1rem 0; }
  .prose td.text, .prose td.text:last-child { min-width: 0; overflow-wrap: anywhere; }
  .prose td.text:first-child { font-weight: 600; }
  .prose tr { padding: 0.6rem 0; border-bottom: 1px solid var(--line); }
}
"""

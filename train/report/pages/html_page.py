"""A report as one HTML page with all it needs inside."""

import base64
import html
import urllib.parse
from collections.abc import Sequence

from train.report.pages.page import (
    Block,
    Bullets,
    Contents,
    Folder,
    Heading,
    Paragraph,
    Picture,
    Strong,
    Table,
    Verdict,
)


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """Returns the whole page. It needs no other file; its links lead to the runs' folders."""
    body = "\n".join(_html(block) for block in blocks)
    name = html.escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{name}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f'<h2 id="{block.anchor}">{html.escape(text)}</h2>'
        case Contents(headings):
            links = [f'<a href="#{each.anchor}">{html.escape(each.text)}</a>' for each in headings]
            return f'<nav aria-label="Contents">{" ".join(links)}</nav>'
        case Paragraph(text, kind):
            box = "" if kind == "plain" else f' class="{kind}" role="note"'
            return f"<p{box}>{html.escape(text)}</p>"
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"
        case Picture(_, _, caption, alt):
            data = base64.b64encode(block.png).decode()
            return (
                f'<figure><div class="wide"><img alt="{html.escape(alt)}" '
                f'src="data:image/png;base64,{data}"></div>'
                f"<figcaption>{html.escape(caption)}</figcaption></figure>"
            )
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    head = "".join(
        f'<th class="{_kind(table, place)}" scope="col">{html.escape(header)}</th>'
        for place, header in enumerate(table.headers)
    )
    rows = "\n".join(_row(table, row) for row in table.rows)
    caption, note = html.escape(table.caption), html.escape(table.note)
    prose = f' class="prose{" cards" * _has_cards(table)}"' if _is_prose(table) else ""
    whole = (
        f'<div class="wide" role="region" aria-label="{caption}" tabindex="0">'
        f"<table{prose}>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>" + (f'<p class="note">{note}</p>' if note else "")
    )
    if table.is_folded:
        return f"<details><summary>{caption}</summary>{whole}</details>"
    return f'<p class="caption">{caption}</p>{whole}'


def _row(table: Table, row: Sequence[str]) -> str:
    """Returns a row. On a narrow screen prose becomes a card, and a row's name stays in view."""
    name = 0 if _is_prose(table) else max(table.num_text - 1, 0)
    cells = []
    for place, (header, cell) in enumerate(zip(table.headers, row, strict=True)):
        tag = 'th scope="row"' if place == name else "td"
        label = f' data-label="{html.escape(header)}"' if _has_cards(table) else ""
        text = _cell(cell)
        cells.append(f'<{tag} class="{_kind(table, place)}"{label}>{text}</{tag[:2]}>')
    return f"<tr>{''.join(cells)}</tr>"


def _kind(table: Table, place: int) -> str:
    return "text" if place < table.num_text else "number"


def _is_prose(table: Table) -> bool:
    return table.num_text == len(table.headers)


def _has_cards(table: Table) -> bool:
    """Tells whether the rows become cards on a narrow screen. Two columns fit side by side."""
    return _is_prose(table) and len(table.headers) > 2


def _cell(cell: str) -> str:
    text = html.escape(cell).replace("\n", "<br>").replace(" ± ", "\u00a0±\u00a0")
    if len(cell) <= _UNBROKEN:
        text = text.replace(" ", "\u00a0")
    if isinstance(cell, Strong):
        return f"<strong>{text}</strong>"
    if isinstance(cell, Folder):
        return f'<a href="{html.escape(urllib.parse.quote(cell))}/">{text}</a>'
    if isinstance(cell, Verdict):
        return f'<span class="verdict {cell.replace(" ", "-")}">{text}</span>'
    return text


_UNBROKEN = 20
"""The length, in characters, up to which a cell stays on one line."""
_STYLE = """
:root { color-scheme: light; --line: #d8dde3; --pale: #f5f7f9; --ink: #1b232c; --soft: #586573; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; font: 16px/1.55 system-ui, "Segoe UI",
  "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0.5rem 0 1rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 0.75rem; padding-top: 0.75rem;
  border-top: 1px solid var(--line); }
p, ul { max-width: 46rem; margin: 0.75rem 0; overflow-wrap: anywhere; }
ul { padding-left: 1.25rem; }
li { margin: 0.25rem 0; }
a { color: #0b57a4; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 1.5rem 0; }
.warning, .result { max-width: 56rem; padding: 0.75rem 1rem; border-left: 4px solid #c77700;
  background: #fff6e5; font-weight: 600; }
.result { border-color: #0072b2; background: #eef5fa; font-size: 1.1rem; font-weight: 500; }
.caption { max-width: none; margin: 1.75rem 0 0.4rem; font-weight: 600; }
.note, figcaption { max-width: 46rem; margin: 0.5rem 0 0; color: var(--soft); font-size: 0.875rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; line-height: 1.4;
  font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.8rem; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { vertical-align: bottom; background: var(--pale); font-weight: 600; }
tbody th { font-weight: 400; background: #fff; }
.text { text-align: left; }
tbody .text { white-space: nowrap; }
.prose tbody .text { white-space: normal; overflow-wrap: break-word; }
.prose tbody .text:first-child { min-width: 10rem; }
.prose tbody .text:last-child { min-width: 27rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
figure { margin: 1.75rem 0; }
figure img { display: block; max-width: max(100%, 36rem); height: auto; }
details { margin: 1rem 0; }
summary { cursor: pointer; font-weight: 600; }
.verdict { display: inline-block; padding: 0.05rem 0.5rem; border-radius: 0.7rem;
  background: #e8ecf0; font-weight: 600; white-space: nowrap; }
.agrees { background: #d9f0df; color: #14532d; }
.disagrees { background: #fbdcdc; color: #7a1515; }
.no-difference { background: #dbeafe; color: #1e3a6e; }
.not-yet { background: #fff6e5; color: #7a4a00; }
@media (max-width: 40rem) {
  table:not(.prose) tbody th { position: sticky; left: 0; max-width: 9rem; white-space: normal;
    box-shadow: 1px 0 0 var(--line); }
  .prose tbody .text:first-child { min-width: 5rem; }
  .prose tbody .text:last-child { min-width: 0; overflow-wrap: anywhere; }
  .cards thead { display: none; }
  .cards, .cards tbody, .cards tr, .cards th, .cards td { display: block; border: 0;
    padding: 0.15rem 0; }
  .cards tbody th { font-weight: 600; }
  .cards tbody .text::before { content: attr(data-label); display: block; color: var(--soft);
    font-size: 0.75rem; font-weight: 400; }
  .cards tr { padding: 0.6rem 0; border-bottom: 1px solid var(--line); }
}
"""

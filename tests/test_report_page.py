"""How a report's blocks are written, as HTML and as Markdown."""

import re

from train.report.pages.html_page import to_html
from train.report.pages.markdown_page import to_markdown
from train.report.pages.page import (
    Block,
    Bullets,
    Contents,
    Folder,
    Heading,
    Paragraph,
    Picture,
    Table,
)


def test_a_cell_is_escaped_in_both_forms() -> None:
    blocks: list[Block] = [Table("T", ("A",), [["x|<y>\nz"]], 1)]
    assert '<th scope="row" class="text">x|&lt;y&gt;<br>z</th>' in to_html("t", blocks)
    assert "| x\\|&lt;y><br>z |" in to_markdown("t", blocks)


def test_on_a_narrow_screen_each_cell_keeps_its_header() -> None:
    three = Table("T", ("Claim", "Verdict", "What"), [["a", "b", "c"]], 3)
    text = to_html("t", [three])
    assert 'class="prose cards"' in text
    for header in three.headers:
        assert f'data-label="{header}"' in text
    assert "content: attr(data-label)" in text
    numbers = Table("T", ("Head", "Schedule", "n"), [["softmax", "log", "3"]], 2)
    text = to_html("t", [numbers])
    assert '<th scope="row" class="text">log</th>' in text  # stays seen while the rest scrolls
    assert "tbody th { position: sticky; left: 0;" in text
    assert text.count("<thead><tr>") == 1 and 'class="prose' not in text


def test_what_only_a_check_needs_is_folded_in_both_forms() -> None:
    folded: list[Block] = [Table("Every run", ("A",), [["x"]], 1, is_folded=True)]
    assert "<details><summary>Every run</summary>" in to_html("t", folded)
    text = to_markdown("t", folded)
    assert "<details><summary>Every run</summary>\n\n| A |" in text and "</details>" in text


def test_a_short_cell_stays_on_one_line_and_a_number_with_its_interval() -> None:
    long = "what is measured: 81.2 ± 0.3"
    text = to_html("t", [Table("T", ("A", "B"), [["log, anchored", long]], 2)])
    assert "log,\u00a0anchored" in text
    assert "what is measured: 81.2\u00a0±\u00a00.3" in text


def test_a_label_brings_no_script_and_no_link_into_a_page() -> None:
    """In each place where a label can stand, and with the backslash that would undo an escape."""
    evil = (
        "<script>x</script> [a](javascript:x) [b\\](javascript:x) [c]: javascript:x <javascript:x>"
    )
    blocks: list[Block] = [
        Heading(evil),
        Contents([Heading(evil)]),
        Paragraph(evil),
        Paragraph(evil, "warning"),
        Bullets([evil]),
        Picture("name", lambda: b"", evil, evil),
        Table(evil, [evil, "n"], [[evil, Folder(evil)]], note=evil),
        Table(evil, [evil], [[evil]], is_folded=True),
    ]
    for text in (to_markdown(evil, blocks), to_html(evil, blocks)):
        assert text.count("script") > 2 * len(blocks)
        assert not re.search(r'<script|</script|<javascript|href="javascript', text)
    assert not re.search(r"\](\(|: )javascript", to_markdown(evil, blocks))

"""The blocks of a report, which `html_page` and `markdown_page` write."""

import dataclasses
import functools
import re
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias


class Strong(str):
    """A cell of a table that stands out."""

    __slots__ = ()


class Verdict(str):
    """A cell of a table that holds a verdict: agrees, disagrees, or why neither."""

    __slots__ = ()


class Folder(str):
    """A cell that names a folder beside the page. The page links to it."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True)
class Heading:
    """The beginning of a section."""

    text: str

    @property
    def anchor(self) -> str:
        """Returns the name that a link to the heading uses, made from the text as GitHub does."""
        return re.sub(r"[^\w -]", "", self.text.lower()).replace(" ", "-")


@dataclasses.dataclass(frozen=True)
class Contents:
    """The headings that follow, as links."""

    headings: Sequence[Heading]


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """A paragraph of text. A warning and the result each stand in a box."""

    text: str
    kind: Literal["plain", "warning", "result"] = "plain"


@dataclasses.dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of cells under headers; the first columns are text, the others numbers."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    num_text: int = 1
    """The number of columns of text, on the left. All other columns are aligned on the right."""
    note: str = ""
    is_folded: bool = False
    """Whether the page shows the table only if the reader opens it."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure, drawn when it is first asked for: the text alone needs none."""

    name: str
    """The name of its file, without .png."""
    draw: Callable[[], bytes]
    """The function that draws it, as a PNG file."""
    caption: str
    """The text below the figure, which says how to read it."""
    alt: str
    """The text for those who cannot see the figure: the axes, and the numbers that matter."""

    @functools.cached_property
    def png(self) -> bytes:
        """Returns the figure as a PNG file."""
        return self.draw()


Block: TypeAlias = Heading | Contents | Paragraph | Bullets | Table | Picture

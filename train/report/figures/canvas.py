"""The look, the panels and the file format that all figures share."""

import functools
import io
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from train.report.numbers.words import title
from train.report.pages.page import Picture

WIDTH = 9.0
"""The width of a figure, in inches."""
MOST = 12
"""The largest number of settings in one figure: more cannot be told apart."""
# The palette of Okabe and Ito, whose colours colour-blind readers can tell apart too.
_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7f5539", "#56b4e9", "#e69f00", "#444444",
)  # fmt: skip


def colour(place: int) -> str:
    """Returns the colour of the setting at this place in the list of settings."""
    return _COLOURS[place % len(_COLOURS)]


def dashes(place: int) -> str:
    """Returns the line style of the setting, which tells it from another of the same colour."""
    return "-" if place < len(_COLOURS) else "--"


def panels(
    count: int,
    columns: int,
    height: float,
    *,
    share_y: bool,
    share_x: bool = True,
    x: str = "epoch",
) -> tuple[Figure, Sequence[Axes]]:
    """Returns a figure of so many panels, row by row, `height` inches each."""
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, 0.9 + height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=share_x, sharey=share_y, squeeze=False)
    every = list(grid.ravel())
    for axes in every[count:]:
        axes.set_visible(False)
    for place, axes in enumerate(every[:count]):
        tidy(axes)
        is_lowest = place + columns >= count
        axes.xaxis.set_tick_params(labelbottom=is_lowest or not share_x)
    figure.supxlabel(x, fontsize="medium")
    return figure, every[:count]


def tidy(axes: Axes) -> None:
    """Draws the frame and the grid with few, light lines."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.93", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.02)


def legend(figure: Figure, every: Sequence[Axes]) -> None:
    """Draws one legend for all panels, above them."""
    found: dict[str, Artist] = {}
    for axes in every:
        lines, names = axes.get_legend_handles_labels()
        found = dict(zip(names, lines, strict=True)) | found
    if found:
        figure.legend(
            list(found.values()),
            list(found),
            loc="outside upper center",
            ncols=6 if max(map(len, found)) < 14 else 3,
            frameon=False,
        )


def ticks(axes: Axes, axis: str, labels: Sequence[str]) -> Sequence[float]:
    """Labels the x axis, and returns the place of each label.

    Labels that are numbers stand at these numbers, on a logarithmic axis if they lie far apart.
    Other labels stand side by side.
    """
    axes.set_xlabel(title(axis))
    try:
        numbers = [float(label) for label in labels]
    except ValueError:
        axes.set_xticks(range(len(labels)), labels)
        return list(range(len(labels)))
    if numbers and min(numbers) > 0 and max(numbers) > 20 * min(numbers):
        axes.set_xscale("log")
    axes.set_xticks(numbers, labels)
    axes.minorticks_off()
    return numbers


def picture(name: str, figure: Figure, caption: str, alt: str) -> Picture:
    """Returns a figure as a block of the report."""
    return Picture(name, functools.partial(_png, figure), caption, alt)


def small(image: Image.Image) -> bytes:
    """Returns the image as a PNG file of 256 colours.

    They are enough for the colours of the lines, and the file has a third of the bytes.
    """
    content = io.BytesIO()
    image.convert("RGB").quantize(256).save(content, "png", optimize=True)
    return content.getvalue()


def _png(figure: Figure) -> bytes:
    figure.set_dpi(120)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return small(Image.fromarray(np.asarray(canvas.buffer_rgba())))

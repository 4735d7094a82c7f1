"""A picture of schedules in characters: braille, in colours where there are several, or ASCII."""

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from log_anneal._core.schedule import Schedule
from log_anneal._show import axes, contents
from log_anneal._show.contents import AnySchedule, Points

_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bits of the four by two dots of a braille character, from U+2800 on."""
_GLYPHS = "*o+x#@%="
_COLOURS = (36, 33, 35, 32, 34, 31)
"""ANSI: cyan, yellow, magenta, green, blue, red."""


class _Signs(NamedTuple):
    side: str
    value: str
    corner: str
    bottom: str
    step: str
    restart: str
    both: str


_UNICODE, _ASCII = _Signs(*"│┤└─┬┴┼"), _Signs(*"|++-+^^")


def draw(
    schedules: AnySchedule | Sequence[AnySchedule],
    num_steps: int | None = None,
    *,
    width: int = 80,
    height: int = 16,
    log_scale: bool = False,
    is_ascii: bool = False,
    is_coloured: bool = False,
) -> str:
    """Draws schedules in characters, over the steps 0 to `num_steps - 1`.

    Above the picture stand their names, and under it the restarts.

    Args:
      schedules: one or many; ours, or any `optax.Schedule`.
      num_steps: from 1 to 2^31 - 1; None for a schedule's duration, or its first cycles if it has
        no end. A plain function has no length of its own.
      width: the most characters in a line, at least 30.
      height: lines of the picture with its axis, at least 6; names and restarts take more.
      log_scale: whether the values are on a logarithmic axis.
      is_ascii: plain characters, where the terminal may not know others.
      is_coloured: a colour for each schedule; without, each of several has a character of its own.

    Returns:
      Lines joined by newlines.

    Raises:
      ValueError: `num_steps`, `width` or `height` is out of its range, or there is no schedule.

    Example:
      >>> from log_anneal import polynomial_schedule
      >>> schedule = polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=25)
      >>> print(draw(schedule, 26, width=72, height=6, is_ascii=True))
      polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=25)
      1 +************
        |           ************************
        |                                  ************************
      0 +                                                         ************
        ++-------------+------------+-------------+------------+-------------+
         0             5           10            15           20            25
      step
    """
    several = list(schedules) if isinstance(schedules, Sequence) else [schedules]
    if not several:
        raise ValueError("`schedules` must hold at least one, got none. Give a schedule or a list.")
    for name, size, least in (("width", width, 30), ("height", height, 6)):
        if size < least:
            raise ValueError(f"`{name}` must be at least {least}, got {size}. Take {least}.")
    return _drawn(
        several,
        contents.length(several, num_steps),
        width,
        height,
        log_scale=log_scale,
        is_ascii=is_ascii,
        is_coloured=is_coloured,
    )


def _drawn(
    schedules: Sequence[AnySchedule],
    num_steps: int,
    width: int,
    height: int,
    *,
    log_scale: bool,
    is_ascii: bool,
    is_coloured: bool,
) -> str:
    curves = [contents.curve(schedule, num_steps) for schedule in schedules]
    rows = height - 2
    frame, ticks = (axes.decades if log_scale else axes.rounded)(curves, num_steps, 2 * rows // 5)
    values = axes.places(ticks, frame.down, rows)
    margin = max(map(len, values.values())) + 1
    columns = width - margin - 1
    steps = axes.places(axes.step_ticks(num_steps, columns), frame.across, columns)
    restarts = list(contents.restarts(schedules, num_steps))

    signs = _ASCII if is_ascii else _UNICODE
    is_dotted = not is_ascii and (is_coloured or len(curves) == 1)
    pens = _COLOURS if is_coloured and len(curves) > 1 else ()
    cells, owners = (_dots if is_dotted else _glyphs)(curves, frame, rows, columns)
    picture = [
        f"{values.get(row, ''):>{margin - 1}} {signs.value if row in values else signs.side}"
        + "".join(_paint(cell, owner, pens) for cell, owner in zip(*pair, strict=True)).rstrip()
        for row, pair in enumerate(zip(cells, owners, strict=True))
    ]
    marks = axes.places({step: "" for step in restarts}, frame.across, columns)
    return "\n".join(
        [
            *_legend(schedules, width, pens, is_dotted=is_dotted),
            *picture,
            " " * margin + signs.corner + _axis(steps, marks, columns, signs),
            " " * (margin + 1) + _beside(steps, columns),
            _caption(restarts, signs, width),
        ]
    )


def _dots(
    curves: Sequence[Points], frame: axes.Frame, rows: int, columns: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Draws in braille characters, and returns which curve is on top in each."""
    bits, owners = np.zeros((2, rows, columns), np.int64)
    for index, curve in enumerate(curves):
        dots = _trace(curve, frame, 4 * rows, 2 * columns).reshape(rows, 4, columns, 2)
        mine = np.einsum("rycx,yx->rc", dots.astype(np.int64), _BITS)
        bits |= mine
        owners[mine > 0] = index
    return np.where(bits, np.vectorize(chr)(0x2800 + bits), " "), owners


def _glyphs(
    curves: Sequence[Points], frame: axes.Frame, rows: int, columns: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Draws each curve in a character of its own, and returns which curve is on top in each."""
    cells, owners = np.full((rows, columns), " "), np.zeros((rows, columns), np.int64)
    for index, (curve, glyph) in enumerate(zip(curves, itertools.cycle(_GLYPHS), strict=False)):
        mine = _trace(curve, frame, rows, columns)
        cells[mine], owners[mine] = glyph, index
    return cells, owners


def _trace(curve: Points, frame: axes.Frame, rows: int, columns: int) -> npt.NDArray[np.bool_]:
    """Finds the cells that a line through the points goes through."""
    steps = np.union1d(curve.steps, np.linspace(0, frame.num_steps - 1, 8 * columns))
    values = np.interp(steps, curve.steps, curve.values)
    x = np.rint((columns - 1) * frame.across(steps)).astype(int)
    y = np.rint((rows - 1) * frame.down(values)).astype(int)
    cells = np.zeros((rows, columns), bool)
    for before, here, column in zip([y[0], *y[:-1]], y, x, strict=True):
        cells[min(before, here) : max(before, here) + 1, column] = True
    return cells


def _axis(steps: Mapping[int, str], marks: Mapping[int, str], columns: int, signs: _Signs) -> str:
    """Draws the line under the picture."""
    sign = {(False, False): signs.bottom, (True, False): signs.step, (False, True): signs.restart}
    places = ((column in steps, column in marks) for column in range(columns))
    return "".join(sign.get(place, signs.both) for place in places)


def _beside(labels: Mapping[int, str], columns: int) -> str:
    """Writes labels centred under their columns, but inside the line."""
    line = [" "] * columns
    for column, text in labels.items():
        start = min(max(column - len(text) // 2, 0), columns - len(text))
        line[start : start + len(text)] = text
    return "".join(line).rstrip()


def _caption(restarts: Sequence[int], signs: _Signs, width: int) -> str:
    """Writes the unit of the axis, and as many of the restarts as fit."""
    text = "step"
    if restarts:
        text += f"; {signs.restart} restarts at " + ", ".join(f"{step:,}" for step in restarts)
    return textwrap.shorten(text, width, placeholder=" ...")


def _legend(
    schedules: Sequence[AnySchedule], width: int, pens: Sequence[int], *, is_dotted: bool
) -> list[str]:
    """Writes the call that makes one schedule; of several, the name and the pen of each."""
    if len(schedules) == 1 and isinstance(schedules[0], Schedule):
        return textwrap.wrap(repr(schedules[0]), width, max_lines=4, placeholder=" ...")
    samples = itertools.cycle("━" if is_dotted else _GLYPHS)
    named = zip(samples, contents.names(schedules), strict=False)
    return [
        _paint(2 * sample, index, pens) + " " + textwrap.shorten(name, width - 3, placeholder="...")
        for index, (sample, name) in enumerate(named)
    ]


def _paint(text: str, index: int, pens: Sequence[int]) -> str:
    return f"\x1b[{pens[index % len(pens)]}m{text}\x1b[0m" if pens and text.strip() else text

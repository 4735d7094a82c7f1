"""A cycle as a track: how a live schedule holds it."""

from typing import Any

from log_anneal._core.steps import Number
from log_anneal._curve.cycle import RESTART
from log_anneal._curve.table import Table, Wrap, held_from
from log_anneal._curve.tracks import Curve, Track, curve, log, rows_of


def cycle_track(host: Any, shape: tuple[str, Number], table: Table, wrap: Wrap | None) -> Track:
    """Returns the rows of a cycle, and their curves.

    Args:
      host: a schedule with the fields of `CyclicalBase`, of Python's numbers or traced ones.
      shape: the shape of a cycle, and its parameter.
      table: where the cycles are.
      wrap: how cycles of real length come again.
    """
    name, parameter = shape
    warmup = shape if host.warmup_shape == "same" else (host.warmup_shape, 1.0)
    rows = list(rows_of(table))
    cycle = curve(
        name,
        host.restart_value,
        host.end_value,
        parameter,
        rise_steps=host.restart_warmup_steps or 0,
        log_cycle=0.0 if host.restart_decay is None else log(host.restart_decay),
    )
    curves = [
        curve(warmup[0], host.init_value, host.peak_value, warmup[1]),
        curve(name, host.peak_value, host.end_value, parameter),
        *[cycle] * (len(rows) - RESTART),
    ]
    if held_from(table) is not None:
        final = host.end_value if host.final_value is None else host.final_value
        curves[-1] = Curve.level(final)
    return Track(rows, curves, wrap=wrap)

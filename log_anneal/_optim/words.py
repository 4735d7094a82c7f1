"""A schedule as words: one array of int32, which any tool can store and one program evaluates.

A real number is the word that has the bits of its float32. The words are, in this order:

    header    [8]       version, number of nodes, address of the text, its length in bytes
    nodes     [16 each] an operation, its two inputs, the rows of a track, three frames, and how
                        its last rows come again
    curves    [16 each] shape, rise, first row, values, parameters, table
    rows      [5 each]  start, period, offset, tail, curve
    tables              the values of tabulated schedules
    text                the schedule as JSON, deflated, four bytes a word

An address counts words from the first. The last node's value is the schedule's.
"""

import dataclasses
import json
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from log_anneal._core import check
from log_anneal._core.record import is_registered
from log_anneal._core.schedule import Schedule
from log_anneal._core.to_json import from_dict, to_dict
from log_anneal._core.tree import stack_shape
from log_anneal._optim.layout import HEADER, MAX_NODES, NODE, SIZES, VERSION, NoPhasesError
from log_anneal._optim.writer import Writer

_DICTIONARY = (
    b'"schedule":"version":1,"shift","loop","constant","value":"tabulated","values":[0.'
    b'"combined","first":{"second":{"operation":"sum""difference""product""maximum""minimum"'
    b'"chain","parts":[{"part_steps":["part":{"period_steps":"shift_steps":'
    b'"warmup_stable_decay","stable_steps":"cooldown":"one_cycle","final_steps":"shape":'
    b'"step_decay""multi_step","milestones":["exponential","polynomial","power":"rex"'
    b'"inverse_sqrt","timescale_steps":"clr","up_steps":"down_steps":"window":"decay_rate":'
    b'"cyclical_exponential""cyclical_polynomial""cyclical_linear""cyclical_cosine"'
    b'"cyclical_log","base":"form":"equation_4""author_release""linear""cosine""cycle_decay":'
    b'"restart_warmup_steps":"restart_decay":"warmup_shape":"final_value":"num_restarts":'
    b'"restart_value":"restart_multiplier":2.0,"init_value":0.0,"warmup_steps":'
    b'"restart_steps":"peak_value":0.1,"end_value":0.001,"decay_steps":'
)
"""Words that texts have in common, so that a text takes few bytes. It belongs to the version."""


def pack(schedule: Schedule, size: int | None = None) -> Any:
    """Writes a schedule as words.

    Args:
      schedule: one, or a stack for `jax.vmap`. Its values may be traced. If its durations are, the
        words are written while the program runs.
      size: how many words the table has. None means the smallest size into which it fits.

    Returns:
      int32 [size], an array of NumPy if nothing is traced; with the dimensions of a stack in front.

    Raises:
      NoPhasesError: it holds a function, or is of a class that does not say how it is written.
      DoesNotFitError: it needs more words.
    """
    leaves, tree = jax.tree.flatten(schedule)
    shape = stack_shape(schedule)
    if shape:
        if any(map(check.is_traced, leaves)):
            return jax.vmap(lambda each: pack(each, size))(schedule)
        return _stack(schedule, shape, size)
    whole = [leaf for leaf in leaves if jnp.issubdtype(jnp.result_type(leaf), jnp.integer)]
    if not any(map(check.is_traced, whole)):
        return _packed(schedule, size)
    length = size or _size_of_traced(leaves)

    def write(*leaves: Any) -> Any:
        return np.asarray(_packed(jax.tree.unflatten(tree, map(np.asarray, leaves)), length))

    form = np.empty(length, np.int32)
    return jax.pure_callback(write, form, *leaves, vmap_method="sequential")


def _stack(schedule: Schedule, shape: tuple[int, ...], size: int | None) -> Any:
    """Writes each schedule of a stack, all to the size of the largest."""
    members = [jax.tree.map(lambda leaf, at=at: leaf[at], schedule) for at in np.ndindex(*shape)]
    size = size or max(len(pack(each)) for each in members)
    return np.reshape([pack(each, size) for each in members], (*shape, size))


def text_of(table: jax.typing.ArrayLike) -> dict[str, Any]:
    """Returns the schedule that a table holds, as `to_dict` does, or its name alone."""
    table = np.asarray(table)
    if table[0] != VERSION:
        raise ValueError(
            f"The table of a live schedule must be of version {VERSION}, got {table[0]}. Restore "
            "it by the release of log_anneal that wrote it."
        )
    start, count = int(table[2]), int(table[3])
    data = np.ascontiguousarray(table[start:]).view(np.uint8)[:count].tobytes()
    record: dict[str, Any] = json.loads(zlib.decompressobj(-15, zdict=_DICTIONARY).decompress(data))
    return record


def schedule_of(table: jax.typing.ArrayLike) -> Schedule | None:
    """Returns the schedule that a table holds; None if the table has its name alone."""
    record = text_of(table)
    return from_dict(record) if "version" in record else None


def _packed(schedule: Schedule, size: int | None) -> Any:
    tracks = schedule._on_host._tracks()
    if tracks is None:
        raise NoPhasesError(f"{_culprit(schedule)} is not made of phases.")
    writer = Writer(tracks)
    return writer.table(_texts(schedule), size)


def _culprit(schedule: Schedule) -> str:
    """Returns the class of the innermost part that is not made of phases."""
    values = (getattr(schedule, field.name) for field in dataclasses.fields(schedule))
    for value in values:
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Schedule) and part._on_host._tracks() is None:
                return _culprit(part)
    return type(schedule).__name__


def _texts(schedule: Schedule) -> list[bytes]:
    """Returns the text, and the shorter one to take if there is no room for it."""
    name = schedule.name if is_registered(type(schedule)) else type(schedule).__name__
    records: list[dict[str, Any]] = [{"schedule": name}]
    if not any(map(check.is_traced, jax.tree.leaves(schedule))):
        with suppress(TypeError):  # of a class that has no name in JSON
            records.insert(0, to_dict(schedule))
    return [_deflated(json.dumps(record, separators=(",", ":")).encode()) for record in records]


def _deflated(text: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zdict=_DICTIONARY)
    return deflate.compress(text) + deflate.flush()


def _size_of_traced(leaves: Sequence[Any]) -> int:
    """Returns a size for a schedule whose rows are not known yet, by the sizes of its leaves."""
    # A row of a table has three integers, and takes five words; a value of a list takes one. Parts
    # of a chain add a dimension. The slopes of a table have three or more, and are not written.
    integers = [leaf for leaf in leaves if jnp.issubdtype(jnp.result_type(leaf), jnp.integer)]
    lists = [leaf for leaf in leaves if np.ndim(leaf) in (1, 2)]
    words = sum(2 * np.size(leaf) for leaf in integers) + sum(np.size(leaf) for leaf in lists)
    words += HEADER + NODE * MAX_NODES
    return next((size for size in SIZES if size >= words), SIZES[-1])
